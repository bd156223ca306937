package seam

import (
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// What every finished record must fulfil, whatever its story.

// leastExplained is how much of a request's time must have a name, beside what is
// known to have none.
const leastExplained = 0.9

// tolerance is how far a stage may reach out of the one that it lies in, in
// nanoseconds: the two may be stamped by different goroutines.
const tolerance = 2000

func sound(t testing.TB, tl *trace.Timeline) {
	t.Helper()
	tiles(t, tl)
	nested(t, tl)
	if share := 1 - float64(unnamed(tl))/float64(tl.DurationNS); share < leastExplained {
		t.Errorf("%s: %.2f of it is explained: %+v", tl.Method, share, tl.Ledger)
	}
}

// unnamed is the unexplained time in nanoseconds, except where it is known that
// there is some and only the scheduler says how much: behind the last stage of a
// request that nobody waits for any more, and between the requests that a lock or
// an election is made of.
func unnamed(tl *trace.Timeline) int64 {
	var sum int64
	for i, row := range tl.Ledger {
		if row.Stage != trace.Unexplained || within(tl, row, madeOfRequests...) {
			continue
		}
		if last := i == len(tl.Ledger)-1; last && tl.Code != codes.OK.String() {
			continue
		}
		sum += row.EndNS - row.BeginNS
	}
	return sum
}

// madeOfRequests are the stages of locks and elections.
var madeOfRequests = []stages.Stage{
	stages.V3Lock, stages.V3Unlock, stages.V3Campaign, stages.V3Proclaim, stages.V3Leader, stages.V3Observe, stages.V3Resign,
}

// within reports whether a row of the ledger lies in one of the stages.
func within(tl *trace.Timeline, row trace.LedgerRow, places ...stages.Stage) bool {
	return slices.ContainsFunc(places, func(stage stages.Stage) bool {
		st := tl.Stage(stage.String())
		return st != nil && row.BeginNS >= st.BeginNS && row.EndNS <= st.EndNS
	})
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
// request is over has lost the stage that it was in. A call that the gateway has
// its answer of, or gave up, may go on in the server: a reply may be read before the
// Write that it left with, or the handler, has returned.
func keepsWithin(tl *trace.Timeline, st trace.StageTime) bool {
	if st.Scope == stages.ScopeBatch || st.Open || st.EndNS > tl.DurationNS {
		return true
	}
	for _, outer := range tl.Stages {
		if outer.Stage != st.Parent || st.BeginNS < outer.BeginNS-tolerance {
			continue
		}
		if st.EndNS <= outer.EndNS+tolerance || st.Parent == stages.GatewayCall.String() {
			return true
		}
	}
	return false
}
