// Package process runs a server as a process of its own, so that it can be
// stopped, killed and starved as a server is. It serves the programs and tests
// of scripts; what they ask of the server is theirs.
package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// root returns the folder of the main module, which the working directory must be
// in.
func root(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "glasskv").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// Build compiles the command in folder into the file out. The folder is relative to
// the main module's root, and may be of another module.
func Build(ctx context.Context, folder, out string) error {
	dir, err := root(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-o", out, ".")
	cmd.Dir = filepath.Join(dir, folder)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", folder, err, said)
	}
	return nil
}

// Ports for servers lie below those that systems give to outgoing connections: one
// of these could take a port between the moment at which it was found free and the
// server's own Listen.
const (
	firstPort = 15_000
	lastPort  = 32_000
)

// FreeAddr returns a loopback address on which nobody listens at the moment. An error
// is returned when none of many was free.
func FreeAddr() (string, error) {
	var err error
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort)) //nolint:gosec // a port, not a secret
		var lis net.Listener
		if lis, err = net.Listen("tcp", addr); err == nil {
			return addr, lis.Close()
		}
	}
	return "", err
}

// Process is one life of a server.
type Process struct {
	cmd   *exec.Cmd
	ready chan struct{} // closed when the server has said that it serves
	gone  chan struct{}

	mu   sync.Mutex
	said strings.Builder
}

// Start runs cmd and follows what it writes. Both of its outputs are taken;
// the rest of cmd is the caller's to set. A Process that was returned must be
// ended with Stop or Kill, also when it has ended by itself.
func Start(cmd *exec.Cmd) (*Process, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	_ = in.Close() // the process has its own
	if err != nil {
		_ = out.Close()
		return nil, err
	}
	p := &Process{cmd: cmd, ready: make(chan struct{}), gone: make(chan struct{})}
	go p.follow(out)
	return p, nil
}

// follow reads to the end, so that the server never waits for its reader.
func (p *Process) follow(out io.ReadCloser) {
	defer close(p.gone)
	defer out.Close()
	isReady := false
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		p.said.WriteString(line)
		p.mu.Unlock()
		if !isReady && (strings.HasPrefix(line, "ready ") || strings.Contains(line, "ready to serve client requests")) {
			isReady = true
			close(p.ready)
		}
		if err != nil {
			_ = p.cmd.Wait() // how it ended is asked with ExitCode
			return
		}
	}
}

// Gone is closed when the process has ended, for whatever reason.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Said returns everything that the server has written so far.
func (p *Process) Said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// LastWords returns the last lines of what the server has written, for an error.
func (p *Process) LastWords() string {
	lines := strings.Split(strings.TrimSpace(p.Said()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// ExitCode returns the code with which the process ended, and -1 when a signal
// ended it. It may be called once Gone is closed.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// AwaitReady returns when the server serves. The error says what the server
// wrote when it ended instead, or did neither before ctx ended.
func (p *Process) AwaitReady(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.gone:
		return fmt.Errorf("%s ended with code %d:\n%s", p.cmd.Path, p.ExitCode(), p.LastWords())
	case <-ctx.Done():
		return fmt.Errorf("%s does not serve: %w\n%s", p.cmd.Path, ctx.Err(), p.LastWords())
	}
}

// Stop asks the server to end and waits until it has, or kills it when ctx ends
// before that, which is an error. It may be called more than once.
func (p *Process) Stop(ctx context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("%s did not stop: %w\n%s", p.cmd.Path, ctx.Err(), p.LastWords())
	}
}

// Kill ends the process as a power failure would and waits until it is gone. It
// may be called more than once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	<-p.gone
}
