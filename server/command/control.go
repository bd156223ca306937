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
	"time"

	"github.com/muesli/cancelreader"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"glasskv/server/control"
)

// controlFlags say whether a running server may be steered, and what is asked of
// it from the start.
type controlFlags struct {
	on          bool
	breaks      []control.Break
	faults      []control.Fault
	holdTimeout time.Duration
}

func (f *controlFlags) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "control", false, "let glasskv hold and glasskv fault steer this server, from this machine")
	fs.Func("break",
		"hold requests where a `stage` begins, such as raft.propose, or raft.propose:key=/orders/:method=Put; implies --control",
		collect(&f.breaks, control.ParseBreak))
	fs.Func("fault",
		"have something go wrong on purpose, such as the `fault` slow-fsync:delay=50ms; glasskv fault lists them; implies --control",
		collect(&f.faults, control.ParseFault))
	fs.DurationVar(&f.holdTimeout, "hold-timeout", control.DefaultHoldTimeout, "the longest time that a request is held")
}

// collect is for a flag that may be given several times.
func collect[T any](all *[]T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		one, err := parse(text)
		if err == nil {
			*all = append(*all, one)
		}
		return err
	}
}

// steerable reports whether the server is to be steered at all.
func (f *controlFlags) steerable() bool { return f.on || len(f.breaks)+len(f.faults) > 0 }

// check refuses flags that contradict the others.
func (f *controlFlags) check(mode string, at listenURL) error {
	switch {
	case f.holdTimeout <= 0 || f.holdTimeout > control.MaxHoldTimeout:
		return fmt.Errorf("--hold-timeout %v: use a time above zero, and not above %v", f.holdTimeout, control.MaxHoldTimeout)
	case !f.steerable():
		return nil
	case mode == "off":
		return errors.New("--trace off installs no seam at which a request could be held, or a fault strike: leave it out, or --control, --break and --fault")
	case at.value == "":
		return errors.New(`--control is reached over the trace endpoint: leave out --listen-trace-url ""`)
	}
	return nil
}

// begin does what was asked for from the start. Its errors name the flag.
func (f *controlFlags) begin(s control.Steering) error {
	for _, b := range f.breaks {
		if err := s.SetBreak(b); err != nil {
			return fmt.Errorf("--break %s: %w", b, err)
		}
	}
	for _, fault := range f.faults {
		if err := s.SetFault(fault); err != nil {
			return fmt.Errorf("--fault %s: %w", fault, err)
		}
	}
	return nil
}

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
