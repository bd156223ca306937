package control

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseBreak parses a breakpoint as --break takes it: a stage, then any of method=,
// key=, timeout= and once, each after a colon, such as
// "raft.propose:key=/orders/:method=Put". A colon in a key is written twice. The error
// wraps ErrMistake.
func ParseBreak(text string) (Break, error) {
	parts := splitColons(text)
	b := Break{Stage: parts[0]}
	for _, part := range parts[1:] {
		name, value, given := strings.Cut(part, "=")
		switch {
		case name == "key" && given:
			b.KeyPrefix = value
		case name == "method" && given:
			b.Method = value
		case name == "timeout" && given:
			d, err := time.ParseDuration(value)
			if err != nil || d <= 0 {
				return b, Mistake(fmt.Sprintf("%q: timeout=%s: use a time such as 1m", text, value))
			}
			b.Timeout = Duration(d)
		case part == "once":
			b.Once = true
		default:
			return b, Mistake(fmt.Sprintf("%q: after the stage, use key=PREFIX, method=NAME, timeout=TIME or once, not %q", text, part))
		}
	}
	return b, b.check()
}

// splitColons splits text at single colons, and replaces two colons by one.
func splitColons(text string) []string {
	const double = "\x00"
	parts := strings.Split(strings.ReplaceAll(text, "::", double), ":")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], double, ":")
	}
	return parts
}

// check refuses a breakpoint that no server could set.
func (b Break) check() error {
	switch {
	case b.Stage == "" || strings.ContainsAny(b.Stage, "*?"):
		return Mistake("a breakpoint is on one stage, such as raft.propose; `glasskv stages` lists them")
	case b.Timeout < 0:
		return Mistake(fmt.Sprintf("timeout %v: use a time above zero", b.Timeout))
	}
	return nil
}

// String returns the text that ParseBreak parses into b.
func (b Break) String() string {
	text := b.Stage
	if b.KeyPrefix != "" {
		text += ":key=" + strings.ReplaceAll(b.KeyPrefix, ":", "::")
	}
	if b.Method != "" {
		text += ":method=" + b.Method
	}
	if b.Timeout != 0 {
		text += ":timeout=" + b.Timeout.String()
	}
	if b.Once {
		text += ":once"
	}
	return text
}

// ParseFault parses a fault as --fault takes it: a name, then parameters, each after a
// colon, such as "slow-fsync:delay=50ms:probability=0.1" or "full-quota:streams=1". It
// does not check whether the fault exists and takes these parameters; SetFault does.
// The error wraps ErrMistake.
func ParseFault(text string) (Fault, error) {
	parts := strings.Split(text, ":")
	f := Fault{Name: parts[0], On: true}
	for _, part := range parts[1:] {
		name, value, _ := strings.Cut(part, "=")
		if err := f.parameter(name, value); err != nil {
			return f, Mistake(fmt.Sprintf("%q: %v", text, err))
		}
	}
	return f, nil
}

// parameter sets the parameter of this name.
func (f *Fault) parameter(name, value string) (err error) {
	switch name {
	case "delay":
		f.Delay = value
	case "probability":
		f.Probability, err = strconv.ParseFloat(value, 64)
	case "for":
		var d time.Duration
		d, err = time.ParseDuration(value)
		f.For = Duration(d)
	default:
		if amount := f.Amount(name); amount != nil {
			*amount, err = strconv.Atoi(value)
			break
		}
		return fmt.Errorf("after the name, use delay=, probability=, streams=, bytes=, goroutines= or for=, not %q", name)
	}
	if err != nil {
		return fmt.Errorf("%s=%s is not understood", name, value)
	}
	return nil
}

// String returns the text that ParseFault parses into f.
func (f Fault) String() string {
	text := f.Name
	add := func(name string, given bool, value any) {
		if given {
			text += fmt.Sprintf(":%s=%v", name, value)
		}
	}
	add("delay", f.Delay != "", f.Delay)
	add("probability", f.Probability != 0, f.Probability)
	for _, name := range Amounts {
		n := *f.Amount(name)
		add(name, n != 0, n)
	}
	add("for", f.For != 0, f.For)
	return text
}
