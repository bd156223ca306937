package fault

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"glasskv/server/control"
)

func TestDelaysAreReadAndWritten(t *testing.T) {
	for _, c := range []struct{ text, again string }{
		{"50ms", "50ms"},
		{" 1.5s", "1.5s"},
		{"10s", "10s"},
		{"uniform(10ms,80ms)", "uniform(10ms,80ms)"},
		{"uniform(10ms, 10ms)", "uniform(10ms,10ms)"},
		{"normal(40ms,10ms)", "normal(40ms,10ms)"},
		{"exp(20ms)", "exp(20ms)"},
	} {
		d, err := parseDelay(c.text)
		if err != nil || d.String() != c.again {
			t.Errorf("%q: read as %v, %v", c.text, d, err)
		}
	}
	for text, says := range map[string]string{
		"":                   `"" is not a time`,
		"soon":               `"soon" is not a time`,
		"0s":                 "above zero",
		"-1ms":               "above zero",
		"11s":                "not above 10s",
		"pareto(1ms,2ms)":    "use a time such as 50ms, uniform",
		"exp(20ms":           "use a time such as 50ms, uniform",
		"exp(20ms,1ms)":      "use a time such as 50ms, uniform",
		"uniform(10ms)":      "use a time such as 50ms, uniform",
		"uniform(80ms,10ms)": "the least comes first",
		"normal(10,1ms)":     `"10" is not a time`,
		"exp(11s)":           "not above 10s",
	} {
		if _, err := parseDelay(text); !errors.Is(err, control.ErrMistake) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// With the same seed the same times are drawn; they keep to their bounds, and their
// mean is near the one that was asked for.
func TestDelaysAreDrawn(t *testing.T) {
	const n = 20_000
	for text, want := range map[string]struct{ least, most, mean time.Duration }{
		"50ms":               {50 * time.Millisecond, 50 * time.Millisecond, 50 * time.Millisecond},
		"uniform(10ms,80ms)": {10 * time.Millisecond, 80 * time.Millisecond, 45 * time.Millisecond},
		"normal(40ms,10ms)":  {0, maxDelay, 40 * time.Millisecond},
		"exp(20ms)":          {0, maxDelay, 20 * time.Millisecond},
		"normal(9s,9s)":      {0, maxDelay, 6500 * time.Millisecond}, // cut off at both ends
	} {
		d, err := parseDelay(text)
		if err != nil {
			t.Fatal(err)
		}
		one, other, sum := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2)), time.Duration(0)
		for range n {
			drawn := d.sample(one)
			if again := d.sample(other); again != drawn {
				t.Fatalf("%s: %v and %v from one seed", text, drawn, again)
			}
			if drawn < want.least || drawn > want.most {
				t.Fatalf("%s: drew %v", text, drawn)
			}
			sum += drawn
		}
		if mean := sum / n; mean < want.mean*9/10 || mean > want.mean*11/10 {
			t.Errorf("%s: the mean is %v, want about %v", text, mean, want.mean)
		}
	}
}
