package command

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"glasskv/server/control"
)

// defaultHoldTimeout is how long a request is held when nothing else is said.
const defaultHoldTimeout = time.Minute

// controlFlags say whether a running server may be steered, and what is asked of
// it from the start.
type controlFlags struct {
	on          bool
	breaks      breakpoints
	holdTimeout time.Duration
}

func (f *controlFlags) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&f.on, "control", false, "let `glasskv hold` and its like steer this server, from this machine")
	fs.Var(&f.breaks, "break",
		"hold requests where a stage begins, such as raft.propose, or raft.propose:key=/orders/:method=Put; implies --control")
	fs.DurationVar(&f.holdTimeout, "hold-timeout", defaultHoldTimeout, "the longest time that a request is held")
}

// steerable reports whether the server is to be steered at all.
func (f *controlFlags) steerable() bool { return f.on || len(f.breaks) > 0 }

// check refuses flags that contradict the others.
func (f *controlFlags) check(mode string, at listenURL) error {
	switch {
	case f.holdTimeout <= 0:
		return fmt.Errorf("--hold-timeout %v: use a time above zero", f.holdTimeout)
	case !f.steerable():
		return nil
	case mode == "off":
		return errors.New("--trace off installs no seam at which a request could be held: leave it out, or --control and --break")
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
