package control

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseBreak reads a breakpoint as --break takes it: a stage, then any of
// method=, key=, timeout= and once behind colons, such as
// "raft.propose:key=/orders/:method=Put". A colon in a key is written twice.
// The error is an ErrMistake.
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
			return b, Mistake(fmt.Sprintf("%q: behind the stage stand key=PREFIX, method=NAME, timeout=TIME or once, not %q", text, part))
		}
	}
	return b, b.check()
}

// splitColons cuts at single colons and makes one of two.
func splitColons(text string) []string {
	const double = "\x00"
	parts := strings.Split(strings.ReplaceAll(text, "::", double), ":")
	for i := range parts {
		parts[i] = strings.ReplaceAll(parts[i], double, ":")
	}
	return parts
}

// check refuses what no server could do.
func (b Break) check() error {
	switch {
	case b.Stage == "" || strings.ContainsAny(b.Stage, "*?"):
		return Mistake("a breakpoint is on one stage, such as raft.propose; `glasskv stages` lists them")
	case b.Timeout < 0:
		return Mistake(fmt.Sprintf("timeout %v: use a time above zero", b.Timeout))
	}
	return nil
}

// String writes it as ParseBreak reads it.
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

// ParseFault reads a fault as --fault takes it: a name, then parameters behind
// colons, such as "slow-fsync:delay=50ms:probability=0.1" or "full-quota:streams=1".
// Whether they make sense for the fault is for Faulter.SetFault to say. The error is
// an ErrMistake.
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

func (f *Fault) parameter(name, value string) (err error) {
	switch name {
	case "delay":
		f.Delay = value
	case "probability":
		f.Probability, err = strconv.ParseFloat(value, 64)
	case "streams":
		f.Streams, err = strconv.Atoi(value)
	case "bytes":
		f.Bytes, err = strconv.Atoi(value)
	case "goroutines":
		f.Goroutines, err = strconv.Atoi(value)
	case "for":
		var d time.Duration
		d, err = time.ParseDuration(value)
		f.For = Duration(d)
	default:
		return fmt.Errorf("behind the name stand delay=, probability=, streams=, bytes=, goroutines= or for=, not %q", name)
	}
	if err != nil {
		return fmt.Errorf("%s=%s is not understood", name, value)
	}
	return nil
}

// String writes it as ParseFault reads it.
func (f Fault) String() string {
	text := f.Name
	add := func(name string, given bool, value any) {
		if given {
			text += fmt.Sprintf(":%s=%v", name, value)
		}
	}
	add("delay", f.Delay != "", f.Delay)
	add("probability", f.Probability != 0, f.Probability)
	add("streams", f.Streams != 0, f.Streams)
	add("bytes", f.Bytes != 0, f.Bytes)
	add("goroutines", f.Goroutines != 0, f.Goroutines)
	add("for", f.For != 0, f.For)
	return text
}
