// Package process runs a server as a process of its own for the programs and tests of
// scripts, which can stop it, kill it and limit its resources.
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

// root returns the folder of the main module. The working directory must be in that
// folder or below it.
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

// Ports for servers are below those that systems give to outgoing connections. Such a
// connection could take a port after FreeAddr has found it free and before the server
// listens on it.
const (
	firstPort = 15_000
	lastPort  = 32_000
)

// FreeAddr returns a loopback address on which nobody listens at the moment. It returns
// the last error of Listen if none of 100 random ports is free.
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

	mu     sync.Mutex
	output strings.Builder
}

// Start starts cmd, whose Stdout and Stderr it sets, and reads what it writes. The
// caller must end the returned Process with Stop or Kill, even if it has ended by
// itself.
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

// follow reads the output to its end, so that the server never blocks on a write, and
// then waits for the process.
func (p *Process) follow(out io.ReadCloser) {
	defer close(p.gone)
	defer out.Close()
	ready := false
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		p.output.WriteString(line)
		p.mu.Unlock()
		if !ready && (strings.HasPrefix(line, "ready ") || strings.Contains(line, "ready to serve client requests")) {
			ready = true
			close(p.ready)
		}
		if err != nil {
			_ = p.cmd.Wait() // ExitCode says how it ended
			return
		}
	}
}

// Gone returns a channel that is closed when the process has ended.
func (p *Process) Gone() <-chan struct{} { return p.gone }

// PID returns the ID of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Output returns everything that the server has written so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Tail returns the last 20 lines that the server has written, for an error text.
func (p *Process) Tail() string {
	lines := strings.Split(strings.TrimSpace(p.Output()), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// ExitCode returns the code with which the process ended, or -1 if a signal ended it.
// It must not be called before Gone is closed.
func (p *Process) ExitCode() int { return p.cmd.ProcessState.ExitCode() }

// AwaitReady returns when the server serves. If the process ends first, or ctx does, it
// returns an error that includes the last lines of the output.
func (p *Process) AwaitReady(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.gone:
		return fmt.Errorf("%s ended with code %d:\n%s", p.cmd.Path, p.ExitCode(), p.Tail())
	case <-ctx.Done():
		return fmt.Errorf("%s does not serve: %w\n%s", p.cmd.Path, ctx.Err(), p.Tail())
	}
}

// Stop asks the server to end with SIGTERM and waits until it has. If ctx ends first,
// it kills the server and returns an error. It may be called more than once.
func (p *Process) Stop(ctx context.Context) error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	select {
	case <-p.gone:
		return nil
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("%s did not stop: %w\n%s", p.cmd.Path, ctx.Err(), p.Tail())
	}
}

// Kill ends the process with SIGKILL and waits until it has ended. It may be called
// more than once.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may be gone
	<-p.gone
}
