package trace_test

import (
	"slices"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

// While its children are between two stages, nobody knows what a proposer waits
// for. Once a save has failed it is known: for the server's end.
func TestTheWaitAfterAFailedSaveHasAName(t *testing.T) {
	ledger := func(failure string) []trace.LedgerRow {
		tl := &trace.Timeline{DurationNS: 100, Stages: []trace.StageTime{
			{Stage: stages.ProcessOnce.String(), EndNS: 90},
			{Stage: stages.RaftPropose.String(), Parent: stages.ProcessOnce.String(), BeginNS: 10, EndNS: 20},
			{Stage: stages.WALSave.String(), Parent: stages.ProcessOnce.String(), BeginNS: 30, EndNS: 50},
		}}
		if failure != "" {
			tl.Stages[2].Attributes = map[string]string{trace.AttrFailure: failure}
		}
		trace.FillLedger(tl)
		tracetest.CheckLedger(t, tl)
		return tl.Ledger
	}
	before := []trace.LedgerRow{
		{stages.ProcessOnce.String(), 0, 10}, {stages.RaftPropose.String(), 10, 20}, {trace.Unexplained, 20, 30}, {stages.WALSave.String(), 30, 50},
	}
	if got, want := ledger(""), append(slices.Clone(before), trace.LedgerRow{trace.Unexplained, 50, 100}); !slices.Equal(got, want) {
		t.Errorf("saved: %v, want %v", got, want)
	}
	if got, want := ledger("no space"), append(slices.Clone(before), trace.LedgerRow{stages.ProcessOnce.String(), 50, 90}, trace.LedgerRow{trace.Unexplained, 90, 100}); !slices.Equal(got, want) {
		t.Errorf("not saved: %v, want %v", got, want)
	}
}
