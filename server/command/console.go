package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"glasskv/server/control"
)

// console shows who is held, and takes the letters that are typed about it. Both
// have a goroutine of their own: a terminal may be slow, and a request that goes
// on must not wait for it.
type console struct {
	out      io.Writer
	printer  Printer
	steering control.Steering
	endpoint string                    // where others steer the server
	keys     cancelreader.CancelReader // nil where nobody types
	cancel   func()
	events   chan control.Event
	quit     chan struct{}
	both     sync.WaitGroup

	mu   sync.Mutex
	last int // the hold that was shown last; 0 before the first
}

// consoleQueue is more than is held at a time, with their ends.
const consoleQueue = 4 * control.MaxHolds

// newConsole begins to show holds on out. Letters are taken when the standard
// input is a terminal.
func newConsole(out io.Writer, p Printer, s control.Steering, endpoint string) *console {
	c := &console{
		out: out, printer: p, steering: s, endpoint: endpoint,
		events: make(chan control.Event, consoleQueue), quit: make(chan struct{}),
	}
	if term.IsTerminal(int(os.Stdin.Fd())) && inForeground(os.Stdin) {
		c.keys, _ = cancelreader.NewReader(os.Stdin) // without it, one types elsewhere
	}
	c.cancel = s.Watch(func(e control.Event) {
		select {
		case c.events <- e:
		default: // `glasskv hold` tells what is held
		}
	})
	c.both.Go(c.show)
	if c.keys != nil {
		c.both.Go(c.listen)
	}
	return c
}

// show prints what happens. An error of printing means that nobody looks any more.
func (c *console) show() {
	for {
		select {
		case e := <-c.events:
			if c.print(e) != nil {
				return
			}
		case <-c.quit:
			return
		}
	}
}

func (c *console) print(e control.Event) error {
	if e.Kind != control.Held {
		return c.printer.PrintEvent(c.out, e)
	}
	report, err := c.steering.Hold(e.Hold.ID)
	if errors.Is(err, control.ErrUnknown) {
		return nil // it went on already
	} else if err != nil {
		return err
	}
	c.mu.Lock()
	c.last = e.Hold.ID
	c.mu.Unlock()
	return c.printer.PrintHold(c.out, report, c.endpoint, c.keys != nil)
}

// listen takes lines: s steps the request that was shown last, c has it go on.
func (c *console) listen() {
	lines := bufio.NewScanner(c.keys)
	for lines.Scan() {
		c.mu.Lock()
		id := c.last
		c.mu.Unlock()
		var err error
		switch word := strings.TrimSpace(lines.Text()); {
		case word == "":
			continue
		case word == "s" && id != 0:
			err = c.steering.Step(id)
		case word == "c" && id != 0:
			err = c.steering.Continue(id)
		case word == "s", word == "c":
			err = errors.New("nobody has been held yet")
		default:
			err = errors.New("type s to step, c to continue")
		}
		if err != nil {
			_, _ = fmt.Fprintln(c.out, err) // whoever typed it would see nothing else either
		}
	}
}

// close ends both goroutines. A nil console has none.
func (c *console) close(ctx context.Context) error {
	if c == nil {
		return nil
	}
	c.cancel()
	close(c.quit)
	if c.keys != nil {
		c.keys.Cancel()
	}
	done := make(chan struct{})
	go func() { c.both.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		return fmt.Errorf("print holds: %w", ctx.Err())
	}
	if c.keys != nil {
		return c.keys.Close()
	}
	return nil
}
