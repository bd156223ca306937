package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/serve"
)

const testTimeout = 30 * time.Second

// childVariable makes the test binary be the command instead: a process of its
// own, which can be sent signals.
const childVariable = "RUN_GLASSKV_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	cmd := NewServeCommand(Options{Observer: &holder{}})
	cmd.SetArgs(os.Args[1:])
	if err := cmd.Execute(); err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

// holder is an observer that can hold requests for ever, with --hold.
type holder struct {
	hold bool
	out  io.Writer
}

func (h *holder) AddFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&h.hold, "hold", false, "hold every request until its connection is closed")
}

func (h *holder) Seams(cfg serve.Config, _ string, out io.Writer) (serve.Seams, error) {
	h.out = out
	if !h.hold {
		return serve.Seams{}, nil
	}
	var seams serve.Seams
	seams.Interceptors.OuterUnary = func(ctx context.Context, _ any, _ *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
		_, _ = io.WriteString(out, "holding\n")
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return seams, nil
}

func (h *holder) Close(context.Context) error {
	_, err := io.WriteString(h.out, "closed\n")
	return err
}

// child is a running `glasskv serve`.
type child struct {
	*exec.Cmd
	endpoint string
	log      *bufio.Scanner
	out      *bufio.Scanner
}

// startChild starts the command and returns when its log says that it serves.
func startChild(t *testing.T, args ...string) *child {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	t.Cleanup(cancel)
	args = append([]string{"--data-dir", t.TempDir(), "--log-format", "json",
		"--listen-client-urls", "http://127.0.0.1:0", "--listen-peer-urls", "http://127.0.0.1:0"}, args...)
	c := &child{Cmd: exec.CommandContext(ctx, os.Args[0], args...)}
	c.Env = append(os.Environ(), childVariable+"=1")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.log, c.out = bufio.NewScanner(stderr), bufio.NewScanner(stdout)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.ProcessState == nil {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	})
	c.waitLog(t, "ready to serve client requests")
	c.endpoint = c.waitLog(t, "serving client traffic")["address"].(string)
	return c
}

// waitLog reads the log up to the first entry whose message begins with msg.
func (c *child) waitLog(t *testing.T, msg string) map[string]any {
	t.Helper()
	var seen []string
	for c.log.Scan() {
		entry := map[string]any{}
		if err := json.Unmarshal(c.log.Bytes(), &entry); err != nil {
			t.Fatalf("log line is no JSON: %q", c.log.Text())
		}
		if text, _ := entry["msg"].(string); strings.HasPrefix(text, msg) {
			return entry
		}
		seen = append(seen, c.log.Text())
	}
	t.Fatalf("the log ended without %q:\n%s", msg, strings.Join(seen, "\n"))
	return nil
}

// drain reads what is left of the pipes, so that Wait may be called.
func (c *child) drain() (out string) {
	for c.out.Scan() {
		out += c.out.Text() + "\n"
	}
	for c.log.Scan() {
	}
	return out
}

func (c *child) client(t *testing.T) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{c.endpoint}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// A person starts the server, stores something, and presses Ctrl-C.
func TestServeUntilInterrupted(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(sig.String(), func(t *testing.T) {
			c := startChild(t)
			if _, err := c.client(t).Put(t.Context(), "greeting", "hello"); err != nil {
				t.Fatal(err)
			}
			if err := c.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if reason, _ := c.waitLog(t, "stopping")["reason"].(string); !strings.Contains(reason, sig.String()) {
				t.Errorf("the log does not tell why it stops: %q", reason)
			}
			c.waitLog(t, "stopped")
			out := c.drain()
			if err := c.Wait(); err != nil {
				t.Errorf("exit: %v", err)
			}
			if out != "closed\n" {
				t.Errorf("the observer was not closed once: %q", out)
			}
		})
	}
}

// A request that does not end keeps the server from stopping in order. The
// second signal does not wait for it.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	c := startChild(t, "--hold")
	client := c.client(t)
	go func() { _, _ = client.Put(t.Context(), "greeting", "hello") }()
	if !c.out.Scan() || c.out.Text() != "holding" {
		t.Fatalf("the request was not held: %q", c.out.Text())
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.waitLog(t, "stopping")
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	c.drain()
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) {
		t.Fatalf("exit: %v", err)
	}
	if status := exit.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v, not by the signal", exit)
	}
}
