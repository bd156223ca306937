// Package self runs a test binary a second time, as the server that the test is
// about: in a process of its own, which can be killed and measured. The server
// writes its address as its first line, and answers each line that it reads with
// a line; when there is nothing more to read, its parent is gone and it ends.
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

// Child is the server as the test holds it.
type Child struct {
	Addr string        // where it serves
	Took time.Duration // until it said so

	cmd  *exec.Cmd
	ask  io.WriteCloser
	told *bufio.Reader
}

// Start runs this binary again with env added to its environment, by which its
// TestMain knows what it is. When it does not say its address within limit, it is
// killed and the test fails; it is killed when the test is over, too.
func Start(t testing.TB, limit time.Duration, env ...string) *Child {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	ask, err := cmd.StdinPipe()
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
	c := &Child{cmd: cmd, ask: ask, told: bufio.NewReader(out)}
	t.Cleanup(c.Kill)
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	line, err := c.told.ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not come up within %v", limit)
	}
	c.Addr, c.Took = strings.TrimSpace(line), time.Since(begin)
	return c
}

// Ask makes the server answer, and returns the line without its end.
func (c *Child) Ask(t testing.TB) string {
	t.Helper()
	if _, err := io.WriteString(c.ask, "\n"); err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	line, err := c.told.ReadString('\n')
	if err != nil {
		t.Fatalf("the server is gone: %v", err)
	}
	return strings.TrimSpace(line)
}

// Kill is kill -9; the server has no say in it. It may be called twice.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}
