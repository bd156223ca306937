package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// timeout bounds every process; it is far more than any of them takes.
const timeout = time.Minute

// program is where TestMain built glasskv.
var program string

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "glasskv-cli-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	program = filepath.Join(dir, "glasskv")
	if out, err := exec.Command("go", "build", "-o", program, "glasskv").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build glasskv: %w\n%s", err, out)
	}
	return m.Run(), nil
}

// result is what a process left behind.
type result struct {
	out, err string
	code     int
}

// glasskv runs the program to its end.
func glasskv(t *testing.T, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := command(t, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	cmd.WaitDelay = time.Second
	return cmd
}

// server is a running `glasskv serve`.
type server struct {
	cmd              *exec.Cmd
	client, timeline string // addresses
	log              *bufio.Scanner
}

// serve starts a server on free ports and waits until it is ready.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	const free = "http://127.0.0.1:0"
	cmd := command(t, append([]string{
		"serve", "--data-dir", t.TempDir(), "--log-format", "json",
		"--listen-client-urls", free, "--listen-peer-urls", free, "--listen-trace-url", free,
	}, args...)...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // most tests have stopped it already
	s := &server{cmd: cmd, log: bufio.NewScanner(stderr)}
	for ready := false; !ready || s.client == ""; {
		line := s.next(t)
		switch line.Message {
		case "ready to serve client requests":
			ready = true
		case "serving timelines":
			s.timeline = line.URL
		default:
			if strings.HasPrefix(line.Message, "serving client traffic") {
				s.client = line.Address
			}
		}
	}
	return s
}

// logLine is what we read of the log.
type logLine struct {
	Message string `json:"msg"`
	URL     string `json:"url"`
	Address string `json:"address"`
}

func (s *server) next(t *testing.T) (line logLine) {
	t.Helper()
	if !s.log.Scan() {
		t.Fatalf("the server ended: %v, %v", s.log.Err(), s.cmd.Wait())
	}
	if err := json.Unmarshal(s.log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, s.log.Text())
	}
	return line
}

// stop ends the server as a person does and returns its exit code.
func (s *server) stop(t *testing.T) int {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for s.log.Scan() { // until it has nothing more to say
		continue
	}
	if err := s.cmd.Wait(); err != nil && s.cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return s.cmd.ProcessState.ExitCode()
}

// leaveEarly runs the program and stops reading after one line.
func leaveEarly(t *testing.T, env string, args ...string) result {
	t.Helper()
	cmd := command(t, args...)
	cmd.Env = append(cmd.Env, env)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first, err := bufio.NewReaderSize(stdout, 16).ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
		t.Fatal(err)
	}
	line := string(first)
	if err := stdout.Close(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the exit code says it
	return result{line, errs.String(), cmd.ProcessState.ExitCode()}
}
