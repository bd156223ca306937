package control

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

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
