package control

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestABreakpointIsReadAsItIsWritten(t *testing.T) {
	for text, want := range map[string]Break{
		"raft.propose":                              {Stage: "raft.propose"},
		"raft.propose:key=/orders/":                 {Stage: "raft.propose", KeyPrefix: "/orders/"},
		"raft.propose:method=Put:key=a::b":          {Stage: "raft.propose", Method: "Put", KeyPrefix: "a:b"},
		"wal.save:timeout=5s:once":                  {Stage: "wal.save", Timeout: Duration(5 * time.Second), Once: true},
		"wal.save:method=/etcdserverpb.KV/Put:key=": {Stage: "wal.save", Method: "/etcdserverpb.KV/Put"},
	} {
		got, err := ParseBreak(text)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
		if again, err := ParseBreak(got.String()); err != nil || again != got {
			t.Errorf("%s, written as %s, is read as %+v, %v", text, got, again, err)
		}
	}
	for text, says := range map[string]string{
		"":                     "a breakpoint is on one stage",
		"*":                    "a breakpoint is on one stage",
		"wal.save:timeout=5":   "use a time such as 1m",
		"wal.save:timeout=-1s": "use a time such as 1m",
		"wal.save:prefix=a":    `not "prefix=a"`,
		"wal.save:key":         `not "key"`,
	} {
		if _, err := ParseBreak(text); !errors.Is(err, ErrMistake) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

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
