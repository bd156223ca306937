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

// controlFlags say whether a running server may be steered, and which breakpoints and
// faults it has from the start.
type controlFlags struct {
	on          bool
	breaks      []control.Break
	faults      []control.Fault
	holdTimeout time.Duration
}

func (f *controlFlags) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "control", false, "let glasskv hold and glasskv fault steer this server, from this machine")
	fs.Func("break",
		"hold requests where this `stage` begins: raft.propose, or raft.propose:key=/orders/:method=Put for some requests only; implies --control",
		collect(&f.breaks, control.ParseBreak))
	fs.Func("fault",
		"switch this `fault` on, such as slow-fsync:delay=50ms; glasskv fault lists all faults; implies --control",
		collect(&f.faults, control.ParseFault))
	fs.DurationVar(&f.holdTimeout, "hold-timeout", control.DefaultHoldTimeout, "longest time that a request is held")
}

// collect returns the callback for a flag that may be given several times. The callback
// parses each value and appends it to *all.
func collect[T any](all *[]T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		value, err := parse(text)
		if err == nil {
			*all = append(*all, value)
		}
		return err
	}
}

// steerable reports whether --control, --break or --fault was given.
func (f *controlFlags) steerable() bool { return f.on || len(f.breaks)+len(f.faults) > 0 }

// check returns an error if the flags contradict --trace or --listen-trace-url.
func (f *controlFlags) check(mode string, traceURL listenURL) error {
	switch {
	case f.holdTimeout <= 0 || f.holdTimeout > control.MaxHoldTimeout:
		return fmt.Errorf("--hold-timeout %v: use a time above zero, and not above %v", f.holdTimeout, control.MaxHoldTimeout)
	case !f.steerable():
		return nil
	case mode == "off":
		return errors.New("--trace off installs no seam that could hold a request or make it fail: leave it out, or --control, --break and --fault")
	case traceURL.value == "":
		return errors.New(`--control is reached over the trace endpoint: leave out --listen-trace-url ""`)
	}
	return nil
}

// begin sets the breakpoints and faults of --break and --fault. Its errors name the
// flag.
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

// console prints the requests that are held, and reads commands for them from the
// terminal. It prints and reads on goroutines of its own: a terminal may be slow, and
// a request that goes on must not wait for it.
//
//	request held or released --> events --> show   --> out
//	line typed: s or c       -------------> listen --> Steering
type console struct {
	out      io.Writer
	printer  Printer
	steering control.Steering
	endpoint string                    // the URL at which other commands steer the server
	keys     cancelreader.CancelReader // nil if standard input is not a terminal
	cancel   func()
	events   chan control.Event
	quit     chan struct{}
	running  sync.WaitGroup

	mu   sync.Mutex
	last int // the ID of the hold that was printed last; 0 before the first
}

// consoleQueue is the capacity of events. It is more than twice MaxHolds, because each
// held request causes two events: when its hold begins and when it ends.
const consoleQueue = 4 * control.MaxHolds

// newConsole begins to print holds on out. It reads commands if standard input is a
// terminal.
func newConsole(out io.Writer, p Printer, s control.Steering, endpoint string) *console {
	c := &console{
		out: out, printer: p, steering: s, endpoint: endpoint,
		events: make(chan control.Event, consoleQueue), quit: make(chan struct{}),
	}
	if term.IsTerminal(int(os.Stdin.Fd())) && inForeground(os.Stdin) {
		c.keys, _ = cancelreader.NewReader(os.Stdin) // after an error no keys are read; other commands can still steer
	}
	c.cancel = s.Watch(func(e control.Event) {
		select {
		case c.events <- e:
		default: // dropped; `glasskv hold` lists what is held
		}
	})
	c.running.Go(c.show)
	if c.keys != nil {
		c.running.Go(c.listen)
	}
	return c
}

// show prints events until close is called or printing fails, which means that the
// terminal has gone.
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
		return nil // released already
	} else if err != nil {
		return err
	}
	c.mu.Lock()
	c.last = e.Hold.ID
	c.mu.Unlock()
	return c.printer.PrintHold(c.out, report, c.endpoint, c.keys != nil)
}

// listen reads lines: s steps the request that was printed last, c continues it.
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
			err = errors.New("no request has been held yet")
		default:
			err = errors.New("type s to step, c to continue")
		}
		if err != nil {
			_, _ = fmt.Fprintln(c.out, err) // fails only if the terminal has gone
		}
	}
}

// close ends both goroutines. It returns an error if ctx ends before they do, and nil
// for a nil console.
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
	go func() { c.running.Wait(); close(done) }()
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
