// Package tracetest has what the tests of timelines share: checks that hold for every
// timeline, and comparisons.
package tracetest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"glasskv/trace"
)

// CheckLedger fails the test unless the ledger keeps its promise: its rows tile the
// duration, and its sums are those of the rows.
func CheckLedger(t *testing.T, tl *trace.Timeline) {
	t.Helper()
	var at, explained int64
	for i, row := range tl.Ledger {
		if row.BeginNS != at || row.EndNS <= row.BeginNS {
			t.Fatalf("row %d (%s) is %d…%d after %d", i, row.Stage, row.BeginNS, row.EndNS, at)
		}
		at = row.EndNS
		if row.Stage != trace.Unexplained {
			explained += row.EndNS - row.BeginNS
		}
	}
	if at != max(0, tl.DurationNS) {
		t.Fatalf("the rows end at %d of %d", at, tl.DurationNS)
	}
	if explained != tl.ExplainedNS || tl.Explained < 0 || tl.Explained > 1 {
		t.Fatalf("explained %d (%f), the rows say %d", tl.ExplainedNS, tl.Explained, explained)
	}
}

// Seeds runs f n times with different generators, each as a subtest that names its seed.
// It stops at the first that fails.
func Seeds(t *testing.T, n int, f func(t *testing.T, rng *rand.Rand)) {
	t.Helper()
	for seed := range n {
		ok := t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			f(t, rand.New(rand.NewPCG(uint64(seed), 1)))
		})
		if !ok {
			return
		}
	}
}

// Limit returns a context for what must not hang: it ends with the test, or after a
// minute. Nothing waits for it otherwise.
func Limit(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Close closes c, such as a Recorder, and fails the test unless that succeeds.
func Close(t testing.TB, c interface{ Close(context.Context) error }) {
	t.Helper()
	if err := c.Close(Limit(t)); err != nil {
		t.Errorf("close: %v", err)
	}
}

// Rand returns the generator of one seed.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// JSON returns v as JSON.
func JSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// SameText fails the test unless the two texts are equal. It shows the surroundings of the
// first difference, because timelines are long.
func SameText(t *testing.T, read, live string) {
	t.Helper()
	if read == live {
		return
	}
	at := 0
	for at < min(len(read), len(live)) && read[at] == live[at] {
		at++
	}
	around := func(s string) string { return s[max(0, min(at, len(s))-200):min(len(s), at+300)] }
	t.Fatalf("read …%s…\nlive …%s…", around(read), around(live))
}

// Names returns the timeline's stages, each as "parent>stage".
func Names(tl *trace.Timeline) (names []string) {
	for _, st := range tl.Stages {
		names = append(names, st.Parent+">"+st.Stage)
	}
	return names
}
