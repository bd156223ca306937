// Package self runs a test binary a second time, as the server under test, in a process
// of its own that can be killed and measured. The server writes its address as its
// first line and answers each line that it reads with a line. At the end of its input
// its parent has ended, and it ends too.
package self

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Child is the server's process.
type Child struct {
	Addr      string        // where it serves
	StartTime time.Duration // how long it took until it had written Addr

	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// Start runs this binary again, with env added to its environment to tell its TestMain
// that it is the server. If the process does not write its address within limit, it is
// killed and the test fails. It is also killed when the test ends.
func Start(t testing.TB, limit time.Duration, env ...string) *Child {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &Child{cmd: cmd, in: in, out: bufio.NewReader(out)}
	t.Cleanup(c.Kill)
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not come up within %v", limit)
	}
	c.Addr, c.StartTime = strings.TrimSpace(line), time.Since(begin)
	return c
}

// Ask sends the server a line and returns its answer without the line's end. If the
// server has ended, the test fails.
func (c *Child) Ask(t testing.TB) string {
	t.Helper()
	if _, err := io.WriteString(c.in, "\n"); err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	line, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	return strings.TrimSpace(line)
}

// Kill ends the process with SIGKILL and waits for it. It may be called more than once.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
