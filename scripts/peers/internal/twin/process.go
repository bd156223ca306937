package twin

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience bounds every step that waits for a server. Only one that hangs
// takes as long.
const Patience = 60 * time.Second

// Process is a server that runs on a member's data.
type Process struct {
	t    *testing.T
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has closed its output
}

// Start runs a server with the given flags besides those that the member needs
// and returns when it serves and has settled. The process ends with the test at the latest.
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
	if said, ok := p.awaitReady(out); !ok {
		t.Fatalf("%s did not start on this data:\n%s", server, said)
	}
	if err := m.settle(); err != nil {
		t.Fatalf("%s serves, but does not settle: %v", server, err)
	}
	return p
}

// awaitReady reads what the server says until it says that it is ready, and
// goes on reading after that, so that the server never waits for us.
func (p *Process) awaitReady(out io.ReadCloser) (said string, ok bool) {
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

// Stop ends the server as a person would: it may finish what it is at.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	p.end()
}

// Kill ends the server as a power failure would. It may be called again.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	p.end()
}

func (p *Process) end() {
	limit := time.AfterFunc(Patience, func() { _ = p.cmd.Process.Kill() })
	defer limit.Stop()
	<-p.gone
	_ = p.cmd.Wait() // a signal is no success, and is what was asked for
}
