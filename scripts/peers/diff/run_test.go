package diff

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"glasskv/scripts/peers/internal/twin"
)

// teller tells one story to one server.
type teller struct {
	t         *testing.T
	dir       string            // where commands run and leave their files
	addr      string            // of the server
	restart   func()            // the server
	variables map[string]string // $NAME to what it stands for
	beside    map[string]*command
	begun     map[string]step // the steps that began them
}

// large is more than a request may have, many are more operations than a
// transaction may, half is something between. The stories call them $LARGE,
// $MANY and $HALF.
var (
	large = strings.Repeat("x", 1700<<10)
	many  = strings.Repeat("get greeting\n", 129)
	half  = strings.Repeat("x", 500<<10)
)

// tell runs the steps against a server on a member and returns what each of
// them brought. A step that only waits has none.
func tell(t *testing.T, m *twin.Member, again func(), steps []step) []outcome {
	t.Helper()
	r := teller{
		t: t, dir: t.TempDir(), addr: m.Addr(), restart: again,
		variables: map[string]string{"$LARGE": large, "$HALF": half, "$MANY": strings.TrimSuffix(many, "\n"), "$ADDR": m.Addr(), "$PEER": m.Peer},
		beside:    map[string]*command{}, begun: map[string]step{},
	}
	outcomes := make([]outcome, len(steps))
	for i, s := range steps {
		got := r.step(s)
		if s.does == stop || s.does == await {
			s = r.begun[s.name] // it says what is left out
		}
		outcomes[i] = r.normalise(s, got)
	}
	for name := range r.beside {
		t.Errorf("%q is not ended by its story", name)
	}
	return outcomes
}

func (r *teller) step(s step) outcome {
	r.t.Helper()
	switch s.does {
	case restart:
		r.restart()
		return outcome{}
	case begin:
		r.beside[s.name], r.begun[s.name] = r.launch(s), s
		return outcome{}
	case wait:
		r.running(s).printed(r.t, s.lines)
		return outcome{}
	case stop, await:
		c := r.running(s)
		delete(r.beside, s.name)
		if s.does == stop {
			c.interrupt()
		}
		return c.end(0)
	default:
		c := r.launch(s)
		if s.does == after {
			c.printed(r.t, s.lines)
			c.interrupt()
		}
		return c.end(s.lines)
	}
}

func (r *teller) running(s step) *command {
	r.t.Helper()
	c := r.beside[s.name]
	if c == nil {
		r.t.Fatalf("%s: %q: nothing of that name runs", s.at, s.text)
	}
	return c
}

// launch starts a command. It learns from a variable whom to ask, unless its
// story says so itself: etcdctl does not take both.
func (r *teller) launch(s step) *command {
	r.t.Helper()
	env := []string{"ETCDCTL_ENDPOINTS=" + r.addr}
	args := make([]string, len(s.args))
	for i, arg := range s.args {
		args[i] = r.expand(arg)
		if strings.HasPrefix(arg, "--endpoints=") {
			env = nil
		}
	}
	return launch(r.t, r.dir, env, args, r.expand(s.input), s.does != run)
}

func (r *teller) expand(text string) string {
	for name, value := range r.variables {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

var id = regexp.MustCompile(`\b[0-9a-f]{14,16}\b`)

// normalise leaves out of an outcome what its step says, and calls the IDs
// that were captured by their names, whichever way they are written.
func (r *teller) normalise(s step, o outcome) outcome {
	if s.calls != "" {
		r.variables[s.calls] = id.FindString(o.stdout)
		if r.variables[s.calls] == "" {
			r.t.Errorf("%s: %q printed no ID: %s%s", s.at, s.text, o.stdout, o.stderr)
			r.variables[s.calls] = "0"
		}
	}
	return o.each(func(text string) string {
		for name, value := range r.variables {
			if n, err := strconv.ParseUint(value, 16, 64); err == nil && n > 0 {
				text = strings.ReplaceAll(text, " "+padded(n), " "+name)
				text = strings.ReplaceAll(text, value, name)
				text = strings.ReplaceAll(text, strconv.FormatUint(n, 10), name)
			}
		}
		for _, name := range s.leave {
			text = normalisers[name](text)
		}
		return text
	})
}

// padded writes an ID as some commands do: one in sixteen begins with a space.
func padded(id uint64) string { return fmt.Sprintf("%16x", id) }

// each changes both texts of an outcome.
func (o outcome) each(change func(string) string) outcome {
	return outcome{change(o.stdout), change(o.stderr), o.exit}
}

// ask starts a server on a member, tells it a story and stops it.
func ask(t *testing.T, m *twin.Member, server string, told story) []outcome {
	t.Helper()
	p := m.Start(t, server, told.flags...)
	again := func() {
		p.Stop()
		p = m.Start(t, server, told.flags...)
	}
	outcomes := tell(t, m, again, told.steps)
	p.Stop()
	return outcomes
}

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
