package trace

import (
	"slices"
	"testing"
)

// While its children are between two stages, nobody knows what a proposer waits
// for. Once a save has failed it is known: for the server's end.
func TestTheWaitAfterAFailedSaveHasAName(t *testing.T) {
	ledger := func(failure string) []LedgerRow {
		tl := &Timeline{DurationNS: 100, Stages: []StageTime{
			{Stage: ProcessOnce.String(), EndNS: 90},
			{Stage: RaftPropose.String(), Parent: ProcessOnce.String(), BeginNS: 10, EndNS: 20},
			{Stage: WALSave.String(), Parent: ProcessOnce.String(), BeginNS: 30, EndNS: 50},
		}}
		if failure != "" {
			tl.Stages[2].Attributes = map[string]string{AttrFailure: failure}
		}
		FillLedger(tl)
		checkLedger(t, tl)
		return tl.Ledger
	}
	before := []LedgerRow{
		{ProcessOnce.String(), 0, 10}, {RaftPropose.String(), 10, 20}, {Unexplained, 20, 30}, {WALSave.String(), 30, 50},
	}
	if got, want := ledger(""), append(slices.Clone(before), LedgerRow{Unexplained, 50, 100}); !slices.Equal(got, want) {
		t.Errorf("saved: %v, want %v", got, want)
	}
	if got, want := ledger("no space"), append(slices.Clone(before), LedgerRow{ProcessOnce.String(), 50, 90}, LedgerRow{Unexplained, 90, 100}); !slices.Equal(got, want) {
		t.Errorf("not saved: %v, want %v", got, want)
	}
}
