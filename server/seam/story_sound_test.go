package seam

import (
	"testing"

	"glasskv/trace"
)

// What every finished record must fulfil, whatever its story.

// leastExplained is how much of a request's time must have a name.
const leastExplained = 0.9

// tolerance is how far a stage may reach out of the one that it lies in, in
// nanoseconds: the two may be stamped by different goroutines.
const tolerance = 2000

func sound(t testing.TB, tl *trace.Timeline) {
	t.Helper()
	tiles(t, tl)
	nested(t, tl)
	if tl.Explained < leastExplained {
		t.Errorf("%s: %.2f of it is explained: %+v", tl.Method, tl.Explained, tl.Ledger)
	}
}

// tiles checks that the ledger covers the request without gap or overlap.
func tiles(t testing.TB, tl *trace.Timeline) {
	t.Helper()
	at, explained := int64(0), int64(0)
	for _, row := range tl.Ledger {
		if row.BeginNS != at || row.EndNS <= row.BeginNS {
			t.Errorf("%s: ledger row %+v does not follow %d", tl.Method, row, at)
		}
		if at = row.EndNS; row.Stage != trace.Unexplained {
			explained += row.EndNS - row.BeginNS
		}
	}
	if at != tl.DurationNS || explained != tl.ExplainedNS {
		t.Errorf("%s: the ledger ends at %d of %d and explains %d, not %d", tl.Method, at, tl.DurationNS, explained, tl.ExplainedNS)
	}
}

// nested checks that no stage ends before it begins, that the stage that it lies
// in is there, and that it keeps within that.
func nested(t testing.TB, tl *trace.Timeline) {
	t.Helper()
	for _, st := range tl.Stages {
		if st.EndNS < st.BeginNS {
			t.Errorf("%s: %s ends at %d and begins at %d", tl.Method, st.Stage, st.EndNS, st.BeginNS)
		}
		switch {
		case st.Parent == "":
		case tl.Stage(st.Parent) == nil:
			t.Errorf("%s: %s lies in %s, which is not there", tl.Method, st.Stage, st.Parent)
		case !keepsWithin(tl, st):
			t.Errorf("%s: %s is %d to %d, not within %s: %+v", tl.Method,
				st.Stage, st.BeginNS, st.EndNS, st.Parent, tl.Stage(st.Parent))
		}
	}
}

// keepsWithin reports whether a stage keeps within one of those of its parent's name.
// What is shared belongs to more than one request, and what goes on after the
// request is over has lost the stage that it was in. A call that the gateway gave
// up goes on until the server hears of it, and a reply may be read before the Write
// that it left with has returned.
func keepsWithin(tl *trace.Timeline, st trace.StageTime) bool {
	if st.Scope == trace.ScopeBatch || st.Open || st.EndNS > tl.DurationNS {
		return true
	}
	givenUp := tl.Stage(trace.ClientRecv.String()) == nil
	if st.Parent == trace.GatewayCall.String() && (givenUp || st.Stage == trace.Flush.String()) {
		return true
	}
	for _, outer := range tl.Stages {
		if outer.Stage == st.Parent && st.BeginNS >= outer.BeginNS-tolerance && st.EndNS <= outer.EndNS+tolerance {
			return true
		}
	}
	return false
}
