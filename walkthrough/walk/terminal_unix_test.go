//go:build unix

package walk

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/term"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
)

// childMode makes this test binary a walk on its own terminal.
const childMode = "GLASSKV_TEST_WALK"

const childRequest = `request /etcdserverpb.KV/Put OK 1.14ms observer=client conn=1 key=greeting
wal.save 298us 608us
wal.sync 305us 607us
raft.commit 608us 663us
`

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		os.Exit(child(mode))
	}
	os.Exit(m.Run())
}

// child walks as the command does, and panics at the second stop if it is told to.
func child(mode string) int {
	t := &testing.T{}
	o := newOptions(context.Background(), t)
	o.In, o.Out, o.Err = os.Stdin, os.Stdout, os.Stderr
	if mode == "pipe" {
		if err := untilSignal(context.Background(), *o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	if mode == "panic" {
		o.Book = func(s stages.Stage, l lang.Lang) (*chapter.Chapter, bool) {
			if s == stages.RaftCommit {
				panic("on purpose")
			}
			return nil, false
		}
	}
	request := parse(t, childRequest)
	if mode == "long" {
		request = longRequest(t)
	}
	m := newModel(context.Background(), o, []*trace.Timeline{request})
	if err := onTerminal(context.Background(), m, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// terminal is a pseudo-terminal with a walk on it.
type terminal struct {
	t      testing.TB
	master *os.File
	slave  *os.File
	before *term.State
	cmd    *exec.Cmd
	ended  chan error

	mu      sync.Mutex
	written bytes.Buffer
	more    chan struct{} // a token when something was written
	closed  chan struct{} // nothing more is written
}

func openTerminal(t testing.TB, mode string) *terminal {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skipf("no pseudo-terminal here: %v", err)
	}
	master = closable(t, master)
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		t.Fatal(err)
	}
	before, err := term.GetState(int(slave.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childMode+"="+mode, "TERM=xterm-256color", "LANG=en_US.UTF-8", "LC_ALL=en_US.UTF-8")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tt := &terminal{
		t: t, master: master, slave: slave, before: before, cmd: cmd,
		ended: make(chan error, 1), more: make(chan struct{}, 1), closed: make(chan struct{}),
	}
	go tt.read()
	go func() { tt.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = slave.Close()
		_ = master.Close()
		<-tt.closed
	})
	return tt
}

// closable returns the same file in a form whose Close ends a Read that waits.
func closable(t testing.TB, f *os.File) *os.File {
	t.Helper()
	fd, err := syscall.Dup(int(f.Fd()))
	syscall.CloseOnExec(fd) // or the walk would hold its own terminal open
	if err == nil {
		err = errors.Join(syscall.SetNonblock(fd, true), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), f.Name())
}

func (tt *terminal) read() {
	defer close(tt.closed)
	buf := make([]byte, 4096)
	for {
		n, err := tt.master.Read(buf)
		tt.mu.Lock()
		tt.written.Write(buf[:n])
		tt.mu.Unlock()
		select {
		case tt.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (tt *terminal) text() string {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return tt.written.String()
}

// shows waits until the terminal was sent a text.
func (tt *terminal) shows(text string) {
	tt.t.Helper()
	limit := time.After(30 * time.Second)
	for !strings.Contains(tt.text(), text) {
		select {
		case <-tt.more:
		case <-limit:
			tt.t.Fatalf("%q does not come; there is: %q", text, tt.text())
		}
	}
}

func (tt *terminal) types(keys string) {
	tt.t.Helper()
	if _, err := io.WriteString(tt.master, keys); err != nil {
		tt.t.Fatal(err)
	}
}

// end waits for the walk's end and looks at what it left behind: the ordinary
// screen, the cursor, and the terminal's own settings.
func (tt *terminal) end() (exit error) {
	tt.t.Helper()
	select {
	case exit = <-tt.ended:
	case <-time.After(30 * time.Second):
		tt.t.Fatalf("the walk does not end; there is: %q", tt.text())
	}
	after, err := term.GetState(int(tt.slave.Fd()))
	if err != nil {
		tt.t.Fatal(err)
	}
	if !reflect.DeepEqual(tt.before, after) {
		tt.t.Errorf("the terminal's settings are %+v, were %+v", after, tt.before)
	}
	// What was written last may still be on its way through the terminal.
	tt.shows("\x1b[?1049l")
	for _, pair := range []struct{ what, off, on string }{
		{"the other screen", "\x1b[?1049l", "\x1b[?1049h"},
		{"the cursor", "\x1b[?25h", "\x1b[?25l"},
		{"bracketed paste", "\x1b[?2004l", "\x1b[?2004h"},
	} {
		text := tt.text()
		if strings.Contains(text, pair.on) && strings.LastIndex(text, pair.off) < strings.LastIndex(text, pair.on) {
			tt.t.Errorf("%s was not put back: %q", pair.what, text)
		}
	}
	return exit
}

func TestTheTerminalIsLeftAsItWas(t *testing.T) {
	for _, c := range []struct {
		name, mode string
		leave      func(*terminal)
		fails      bool
	}{
		{"by q", "walk", func(tt *terminal) { tt.types("q") }, false},
		{"by Ctrl-C", "walk", func(tt *terminal) { tt.types("\x03") }, false},
		{"by SIGTERM", "walk", func(tt *terminal) { _ = tt.cmd.Process.Signal(syscall.SIGTERM) }, true},
		{"by SIGHUP", "walk", func(tt *terminal) { _ = tt.cmd.Process.Signal(syscall.SIGHUP) }, true},
		{"by SIGINT", "walk", func(tt *terminal) { _ = tt.cmd.Process.Signal(syscall.SIGINT) }, true},
		{"by a panic", "panic", func(tt *terminal) { tt.types("n") }, true},
		{"from a list", "walk", func(tt *terminal) { tt.types("/"); tt.shows("Find a stage"); tt.types("\x03") }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tt := openTerminal(t, c.mode)
			tt.shows("wal.save")
			c.leave(tt)
			if err := tt.end(); (err != nil) != c.fails {
				t.Errorf("exit: %v; %q", err, tt.text())
			}
		})
	}
}

// A terminal that goes away takes the walk with it.
func TestATerminalThatGoesAwayEndsTheWalk(t *testing.T) {
	tt := openTerminal(t, "walk")
	tt.shows("wal.save")
	_ = tt.slave.Close()
	_ = tt.master.Close()
	select {
	case err := <-tt.ended:
		if err == nil {
			t.Error("it ended as if the reader had left")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the walk goes on without a terminal")
	}
}

func TestResizingDrawsAnew(t *testing.T) {
	tt := openTerminal(t, "walk")
	tt.shows("wal.save")
	if err := pty.Setsize(tt.slave, &pty.Winsize{Rows: 40, Cols: 130}); err != nil {
		t.Fatal(err)
	}
	tt.shows("raft.commit") // the list has room now
	tt.types("q")
	if err := tt.end(); err != nil {
		t.Error(err)
	}
}

// startChild walks into a pipe, through a put on a server of its own, whose data are
// in a directory of the test.
func startChild(t *testing.T) (cmd *exec.Cmd, out *bufio.Reader, closeOut func(), stderr *bytes.Buffer, data string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, stderr = t.TempDir(), new(bytes.Buffer)
	cmd = exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childMode+"=pipe", "TMPDIR="+data)
	cmd.Stderr = stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewReader(pipe), func() { _ = pipe.Close() }, stderr, data
}

func leftBehind(t *testing.T, data string) {
	t.Helper()
	entries, err := os.ReadDir(data)
	if err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

// glasskv walk | head: the reader has seen enough. That is no error, and the server's
// data are removed as ever.
func TestNobodyReadsOn(t *testing.T) {
	cmd, out, closeOut, stderr, data := startChild(t)
	if line, err := out.ReadString('\n'); err != nil || !strings.HasPrefix(line, "PUT ") {
		t.Fatalf("%q, %v; %s", line, err, stderr)
	}
	closeOut()
	if err := cmd.Wait(); err != nil {
		t.Errorf("exit: %v; %s", err, stderr)
	}
	leftBehind(t, data)
}

// Told to stop while it writes, it says so, and tidies up.
func TestASignalEndsTheWalkIntoAPipe(t *testing.T) {
	cmd, out, closeOut, stderr, data := startChild(t)
	if _, err := out.ReadString('\n'); err != nil {
		t.Fatalf("%v; %s", err, stderr)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	closeOut()
	_ = cmd.Wait() // stopped, or done with it before the signal came
	leftBehind(t, data)
}

// From a key that is typed to what the terminal is sent for it, through the kernel
// and with the real drawing: a reader goes along a request of 200 stages.
func BenchmarkKeyPressOnTerminal(b *testing.B) {
	tt := openTerminal(b, "long")
	tt.shows("1/200")
	took := make([]time.Duration, 0, b.N)
	for i := 0; b.Loop(); i++ {
		tt.quiet()
		begin := time.Now()
		tt.types(string("np"[i/199%2]))
		<-tt.more
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	tt.types("q")
	if err := tt.end(); err != nil {
		b.Error(err)
	}
}

// quiet waits until nothing has been written for a few frames: source that was read
// meanwhile is drawn then.
func (tt *terminal) quiet() {
	for {
		select {
		case <-tt.more:
		case <-time.After(50 * time.Millisecond):
			return
		}
	}
}
