package fault

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"glasskv/server/control"
)

// delay is how long a fault waits: a fixed time, or a random one.
type delay struct {
	shape string           // one of the keys of shapes; empty for a fixed time
	of    [2]time.Duration // the shape's parameters; of[0] is the delay if it is a fixed time
}

// shapes are the distributions of random delays.
var shapes = map[string]struct {
	params int
	draw   func(of [2]time.Duration, chance *rand.Rand) time.Duration
}{
	"uniform": {2, func(of [2]time.Duration, chance *rand.Rand) time.Duration {
		return of[0] + time.Duration(chance.Int64N(int64(of[1]-of[0])+1))
	}},
	"normal": {2, func(of [2]time.Duration, chance *rand.Rand) time.Duration {
		return of[0] + time.Duration(chance.NormFloat64()*float64(of[1]))
	}},
	"exp": {1, func(of [2]time.Duration, chance *rand.Rand) time.Duration {
		return time.Duration(min(chance.ExpFloat64()*float64(of[0]), float64(maxDelay)))
	}},
}

// parseDelay parses a fixed time such as "50ms", "uniform(least,most)",
// "normal(mean,deviation)" or "exp(mean)". If the text is none of these, or a time is not
// above zero and up to maxDelay, it returns a control.ErrMistake.
func parseDelay(text string) (d delay, err error) {
	shape, inner, called := strings.Cut(strings.TrimSpace(text), "(")
	if !called {
		d.of[0], err = parseTime(text, text)
		return d, err
	}
	spec, known := shapes[shape]
	inner, closed := strings.CutSuffix(inner, ")")
	params := strings.Split(inner, ",")
	if !known || !closed || len(params) != spec.params {
		return d, control.Mistake(fmt.Sprintf(
			"delay %q: use a time such as 50ms, uniform(10ms,80ms), normal(40ms,10ms) or exp(20ms)", text))
	}
	d.shape = shape
	for i, param := range params {
		if d.of[i], err = parseTime(param, text); err != nil {
			return d, err
		}
	}
	if shape == "uniform" && d.of[0] > d.of[1] {
		return d, control.Mistake(fmt.Sprintf("delay %q: the least comes first", text))
	}
	return d, nil
}

func parseTime(param, of string) (time.Duration, error) {
	d, err := time.ParseDuration(strings.TrimSpace(param))
	switch {
	case err != nil:
		return 0, control.Mistake(fmt.Sprintf("delay %q: %q is not a time such as 50ms", of, param))
	case d <= 0 || d > maxDelay:
		return 0, control.Mistake(fmt.Sprintf("delay %q: use times above zero and not above %v", of, maxDelay))
	}
	return d, nil
}

// sample returns a time from zero to maxDelay.
func (d delay) sample(chance *rand.Rand) time.Duration {
	if d.shape == "" {
		return d.of[0]
	}
	return min(max(0, shapes[d.shape].draw(d.of, chance)), maxDelay)
}

// String returns the delay as parseDelay parses it.
func (d delay) String() string {
	if d.shape == "" {
		return d.of[0].String()
	}
	texts := make([]string, shapes[d.shape].params)
	for i := range texts {
		texts[i] = d.of[i].String()
	}
	return d.shape + "(" + strings.Join(texts, ",") + ")"
}
