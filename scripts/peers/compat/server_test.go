package compat

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// patience bounds every step that waits for a server.
const patience = 60 * time.Second

// binaries are the two servers, built once: the peer's real etcd and GlassKV
// from the working tree.
var binaries = map[string]string{}

const (
	glasskv = "glasskv"
	etcd    = "etcd"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "compat-")
	if err == nil {
		err = build(dir)
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir string) error {
	for name, source := range map[string]string{glasskv: "../../..", etcd: "../etcd"} {
		binaries[name] = filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-o", binaries[name], ".")
		cmd.Dir = source
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// member is one data directory with the addresses under which it is served,
// whichever server that is.
type member struct {
	dir, client, peer string
}

func newMember(t *testing.T) *member {
	t.Helper()
	return &member{dir: filepath.Join(t.TempDir(), "data"), client: freeURL(t), peer: freeURL(t)}
}

func freeURL(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return "http://" + lis.Addr().String()
}

func (m *member) args(server string) []string {
	args := []string{
		"--name", "m1", "--data-dir", m.dir, "--snapshot-count", "100",
		"--listen-client-urls", m.client, "--listen-peer-urls", m.peer,
	}
	if server == glasskv {
		args = append([]string{"serve"}, append(args,
			"--advertise-client-urls", m.client, "--initial-advertise-peer-urls", m.peer,
			"--initial-cluster", "m1="+m.peer)...)
	}
	return args
}

// running is a server on a member's data.
type running struct {
	t   *testing.T
	cmd *exec.Cmd
	*clientv3.Client
	gone chan struct{} // closed when the process has closed its output
}

// start runs a server and returns when it serves.
func (m *member) start(t *testing.T, server string) *running {
	t.Helper()
	cmd := exec.Command(binaries[server], m.args(server)...)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close() // the server has its own
	r := &running{t: t, cmd: cmd, gone: make(chan struct{})}
	t.Cleanup(r.kill)
	if said, ok := r.awaitReady(out); !ok {
		t.Fatalf("%s did not start on this data:\n%s", server, said)
	}
	r.Client, err = clientv3.New(clientv3.Config{Endpoints: []string{m.client}, DialTimeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// awaitReady reads what the server says until it says that it is ready, and
// goes on reading after that, so that the server never waits for us.
func (r *running) awaitReady(out io.ReadCloser) (said string, ok bool) {
	limit := time.AfterFunc(patience, func() { _ = r.cmd.Process.Kill() })
	defer limit.Stop()
	lines, all := bufio.NewScanner(out), strings.Builder{}
	for lines.Scan() {
		fmt.Fprintln(&all, lines.Text())
		if strings.HasPrefix(lines.Text(), "ready ") || strings.Contains(lines.Text(), "ready to serve client requests") {
			go func() {
				defer close(r.gone)
				_, _ = io.Copy(io.Discard, out)
				_ = out.Close()
			}()
			return all.String(), true
		}
	}
	close(r.gone)
	return all.String(), false
}

// stop ends the server as a person would: it may finish what it is at.
func (r *running) stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	r.end()
}

// kill ends the server as a power failure would. It may be called again.
func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	r.end()
}

func (r *running) end() {
	limit := time.AfterFunc(patience, func() { _ = r.cmd.Process.Kill() })
	defer limit.Stop()
	<-r.gone
	_ = r.cmd.Wait() // a signal is no success, and is what was asked for
	if r.Client != nil {
		_ = r.Close()
	}
}

// within bounds one request, or a few.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
