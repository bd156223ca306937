package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFaultsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]Fault{
		"slow-fsync:delay=50ms":                             {Name: "slow-fsync", On: true, Delay: "50ms"},
		"slow-fsync:delay=uniform(10ms,80ms)":               {Name: "slow-fsync", On: true, Delay: "uniform(10ms,80ms)"},
		"slow-handler:delay=1ms:probability=0.25:for=1m30s": {Name: "slow-handler", On: true, Delay: "1ms", Probability: 0.25, For: Duration(90 * time.Second)},
		"full-quota:streams=1":                              {Name: "full-quota", On: true, Streams: 1},
		"small-window:bytes=16384":                          {Name: "small-window", On: true, Bytes: 16384},
		"busy-processor:goroutines=4":                       {Name: "busy-processor", On: true, Goroutines: 4},
	} {
		f, err := ParseFault(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, f); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if again := f.String(); again != text {
			t.Errorf("%s is written as %s", text, again)
		}
	}
}

func TestFaultsThatAreNotUnderstoodAreMistakes(t *testing.T) {
	for text, says := range map[string]string{
		"slow-fsync:50ms":             `delay=, probability=, streams=, bytes=, goroutines= or for=, not "50ms"`,
		"slow-fsync:probability=half": "probability=half is not understood",
		"full-quota:streams=":         "streams= is not understood",
		"small-window:bytes=16k":      "bytes=16k is not understood",
		"busy-processor:for=ever":     "for=ever is not understood",
	} {
		if _, err := ParseFault(text); !errors.Is(err, ErrMistake) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", text, err, says)
		}
	}
}
