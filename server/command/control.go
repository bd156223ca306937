package command

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"glasskv/server/control"
)

// The longest time that a request is held: when nothing else is said, and at all.
const (
	defaultHoldTimeout = time.Minute
	maxHoldTimeout     = time.Hour
)

// controlFlags say whether a running server may be steered, and what is asked of
// it from the start.
type controlFlags struct {
	on          bool
	breaks      breakpoints
	faults      faults
	holdTimeout time.Duration
}

func (f *controlFlags) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "control", false, "let glasskv hold and glasskv fault steer this server, from this machine")
	fs.Var(&f.breaks, "break",
		"hold requests where a stage begins, such as raft.propose, or raft.propose:key=/orders/:method=Put; implies --control")
	fs.Var(&f.faults, "fault",
		"have something go wrong on purpose, such as slow-fsync:delay=50ms; glasskv fault lists them; implies --control")
	fs.DurationVar(&f.holdTimeout, "hold-timeout", defaultHoldTimeout, "the longest time that a request is held")
}

// steerable reports whether the server is to be steered at all.
func (f *controlFlags) steerable() bool { return f.on || len(f.breaks)+len(f.faults) > 0 }

// check refuses flags that contradict the others.
func (f *controlFlags) check(mode string, at listenURL) error {
	switch {
	case f.holdTimeout <= 0 || f.holdTimeout > maxHoldTimeout:
		return fmt.Errorf("--hold-timeout %v: use a time above zero, and not above %v", f.holdTimeout, maxHoldTimeout)
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

// breakpoints is a flag that may be given several times.
type breakpoints []control.Break

func (b *breakpoints) Type() string { return "stage" }

func (b *breakpoints) String() string {
	text := ""
	for i, one := range *b {
		if i > 0 {
			text += ","
		}
		text += one.String()
	}
	return text
}

func (b *breakpoints) Set(text string) error {
	one, err := control.ParseBreak(text)
	if err != nil {
		return err
	}
	*b = append(*b, one)
	return nil
}

// faults is a flag that may be given several times.
type faults []control.Fault

func (f *faults) Type() string { return "fault" }

func (f *faults) String() string {
	texts := make([]string, len(*f))
	for i, one := range *f {
		texts[i] = one.String()
	}
	return strings.Join(texts, ",")
}

func (f *faults) Set(text string) error {
	one, err := control.ParseFault(text)
	if err != nil {
		return err
	}
	*f = append(*f, one)
	return nil
}
