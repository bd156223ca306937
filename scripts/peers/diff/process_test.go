package diff

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"glasskv/scripts/peers/internal/twin"
)

// command is a process while it runs. Its output is collected line by line, so
// that somebody can wait for a number of lines.
type command struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when everything was printed

	mu     sync.Mutex
	stdout []string
	more   chan struct{} // closed and replaced with every line
	stderr strings.Builder
}

// outcome is all that a caller of a command can see of it.
type outcome struct {
	stdout, stderr, exit string
}

// patience bounds a command. Only one that hangs takes as long.
const patience = 20 * time.Second

// launch starts a program of this module in a folder. It is killed when it
// outlives every patience. The input of one that stays is not closed.
func launch(t *testing.T, dir string, env, args []string, input string, stays bool) *command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	c := &command{done: make(chan struct{}), more: make(chan struct{})}
	c.cmd = exec.CommandContext(ctx, twin.Binary(t, args[0]), args[1:]...)
	c.cmd.Dir, c.cmd.Env = dir, append(os.Environ(), env...)
	c.cmd.Stderr = &c.stderr
	c.feed(t, input, stays)
	out, err := c.cmd.StdoutPipe()
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		defer cancel()
		c.collect(out)
		_ = c.cmd.Wait() // how it ended is read from its state
	}()
	t.Cleanup(func() { cancel(); <-c.done })
	return c
}

// feed gives a command its input. That of a command which is cut off stays
// open: a watch ends with its input.
func (c *command) feed(t *testing.T, input string, stays bool) {
	t.Helper()
	if !stays {
		c.cmd.Stdin = strings.NewReader(input)
		return
	}
	in, err := c.cmd.StdinPipe() // closed by Wait
	if err == nil {
		_, err = io.WriteString(in, input)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c *command) collect(out io.Reader) {
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			c.mu.Lock()
			c.stdout = append(c.stdout, line)
			close(c.more)
			c.more = make(chan struct{})
			c.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// printed waits until a command has printed so many lines.
func (c *command) printed(t *testing.T, lines int) {
	t.Helper()
	for {
		c.mu.Lock()
		enough, more := len(c.stdout) >= lines, c.more
		c.mu.Unlock()
		if enough {
			return
		}
		select {
		case <-more:
		case <-c.done:
			if c.mu.Lock(); len(c.stdout) < lines {
				t.Logf("%s ended after %d of %d lines: %s%s", c.cmd.Args[1:], len(c.stdout), lines, c.stdout, c.stderr.String())
			}
			c.mu.Unlock()
			return
		}
	}
}

// interrupt does what Ctrl-C does.
func (c *command) interrupt() { _ = c.cmd.Process.Signal(syscall.SIGINT) }

// end waits for the end of a command. Of one that was cut off only the lines
// that were waited for count: how many more it managed to print is chance.
func (c *command) end(lines int) outcome {
	<-c.done
	stdout := c.stdout
	if lines > 0 && len(stdout) > lines {
		stdout = stdout[:lines]
	}
	return outcome{strings.Join(stdout, ""), c.stderr.String(), c.cmd.ProcessState.String()}
}
