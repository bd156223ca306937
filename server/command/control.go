package command

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

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
