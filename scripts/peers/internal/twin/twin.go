// Package twin runs GlassKV and real etcd as processes for the tests that compare
// them. Either runs on the same data directory and under the same addresses, so
// member and cluster have the same IDs in both.
package twin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience bounds every step that waits for a server. Only a server that hangs reaches
// it.
const Patience = 60 * time.Second

// Process is a server that runs on a member's data.
type Process struct {
	t    *testing.T
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has closed its output
}

// Start runs a server, GlassKV or Etcd, on the member's data, with the given flags in
// addition to those that the member needs. It returns when the server serves and its
// storage version has settled. The process ends with the test at the latest.
func (m *Member) Start(t *testing.T, server string, flags ...string) *Process {
	t.Helper()
	// Not the test's context: the process is stopped by its own methods.
	cmd := exec.CommandContext(context.Background(), Binary(t, server), append(m.args(server), flags...)...)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close() // the server has its own
	p := &Process{t: t, cmd: cmd, gone: make(chan struct{})}
	t.Cleanup(p.Kill)
	if output, ok := p.awaitReady(out); !ok {
		t.Fatalf("%s did not start on this data:\n%s", server, output)
	}
	if err := m.settle(); err != nil {
		t.Fatalf("%s serves, but does not settle: %v", server, err)
	}
	return p
}

// awaitReady reads the server's output until it says that it is ready, and then goes on
// reading in the background, so that the server never blocks on a write. If the output
// ends first, or Patience does, ok is false.
func (p *Process) awaitReady(out io.ReadCloser) (output string, ok bool) {
	limit := time.AfterFunc(Patience, func() { _ = p.cmd.Process.Kill() })
	defer limit.Stop()
	lines, all := bufio.NewScanner(out), strings.Builder{}
	for lines.Scan() {
		fmt.Fprintln(&all, lines.Text())
		if strings.HasPrefix(lines.Text(), "ready ") || strings.Contains(lines.Text(), "ready to serve client requests") {
			go func() {
				defer close(p.gone)
				_, _ = io.Copy(io.Discard, out)
				_ = out.Close()
			}()
			return all.String(), true
		}
	}
	close(p.gone)
	return all.String(), false
}

// Stop ends the server with SIGTERM, after which it may finish its work, and waits until
// it has ended.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.end()
}

// Kill ends the server with SIGKILL and waits until it has ended. It may be called more
// than once, and after Stop.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	p.end()
}

func (p *Process) end() {
	limit := time.AfterFunc(Patience, func() { _ = p.cmd.Process.Kill() })
	defer limit.Stop()
	<-p.gone
	_ = p.cmd.Wait() // the error says that a signal ended it, as intended
}

// The two servers, as Member.Start takes them.
const (
	GlassKV = "glasskv"
	Etcd    = "etcd"
)

// sources are the folders in which each program is built, relative to that of the tests,
// and their packages.
var sources = map[string]struct{ dir, pkg string }{
	GlassKV:   {"../../..", "."},
	Etcd:      {"../etcd", "."},
	"etcdctl": {"..", "go.etcd.io/etcd/etcdctl/v3"},
	"etcdutl": {"..", "go.etcd.io/etcd/etcdutl/v3"},
	"grpcurl": {"..", "github.com/fullstorydev/grpcurl/cmd/grpcurl"},
}

// binaries are the programs that RunTests has built.
var binaries = map[string]string{}

// Binary returns the path of a program that RunTests has built. The test fails if
// RunTests was not asked for it.
func Binary(t *testing.T, name string) string {
	t.Helper()
	path, ok := binaries[name]
	if !ok {
		t.Fatalf("%s was not asked for in TestMain", name)
	}
	return path
}

// RunTests builds both servers and the given tools, runs a package's tests and returns
// the exit code. TestMain must call it once.
func RunTests(m *testing.M, tools ...string) int {
	dir, err := os.MkdirTemp("", "twin-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }() // whatever remains is in a temporary folder
		err = build(dir, append([]string{GlassKV, Etcd}, tools...))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(dir string, names []string) error {
	for _, name := range names {
		binaries[name] = filepath.Join(dir, name)
		cmd := exec.CommandContext(context.Background(), "go", "build", "-o", binaries[name], sources[name].pkg)
		cmd.Dir = sources[name].dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

// Member is one data directory, and the addresses under which either server serves it.
type Member struct {
	Dir    string // the data directory, which the first server creates
	Client string // URL for clients, on loopback
	Peer   string // URL for other members, on loopback
}

// NewMember returns a member without data at free addresses. Its directory is removed
// when the test ends.
func NewMember(t *testing.T) *Member {
	t.Helper()
	return &Member{Dir: filepath.Join(t.TempDir(), "data"), Client: freeURL(t), Peer: freeURL(t)}
}

// Fresh returns a member without data that has the same addresses, and so the same IDs.
// The servers of the two must not run at the same time.
func (m *Member) Fresh(t *testing.T) *Member {
	t.Helper()
	return &Member{Dir: filepath.Join(t.TempDir(), "data"), Client: m.Client, Peer: m.Peer}
}

// Addr returns host and port for clients.
func (m *Member) Addr() string { return strings.TrimPrefix(m.Client, "http://") }

func freeURL(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return "http://" + lis.Addr().String()
}

// args returns the arguments with which a server serves the member.
func (m *Member) args(server string) []string {
	args := []string{
		"--name", "m1", "--data-dir", m.Dir, "--snapshot-count", "100",
		"--listen-client-urls", m.Client, "--listen-peer-urls", m.Peer,
	}
	if server == Etcd {
		return args
	}
	return append(append([]string{"serve"}, args...),
		"--advertise-client-urls", m.Client, "--initial-advertise-peer-urls", m.Peer, "--initial-cluster", "m1="+m.Peer)
}

// settle waits until the member's storage has the version that the cluster has agreed
// upon. Either server updates it a moment after it begins to serve; a client that
// asked for versions earlier could get the old or the new one.
func (m *Member) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	for {
		if settled, err := m.settled(ctx); settled || err != nil {
			return err
		}
	}
}

func (m *Member) settled(ctx context.Context) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.Client+"/version", http.NoBody)
	if err != nil {
		return false, err
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer reply.Body.Close()
	var versions struct{ EtcdCluster, Storage string }
	if err := json.NewDecoder(reply.Body).Decode(&versions); err != nil {
		return false, err
	}
	return versions.Storage != "" && versions.Storage == versions.EtcdCluster, nil
}
