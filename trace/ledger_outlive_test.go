package trace

import (
	"slices"
	"testing"
)

// A write whose client gives up is saved and applied all the same. The request
// does not wait for that any more.
func TestWhatGoesOnWithoutTheRequestIsNotWaitedFor(t *testing.T) {
	tl := &Timeline{DurationNS: 100, Stages: []StageTime{
		{Stage: V3Put.String(), BeginNS: 0, EndNS: 80},
		{Stage: ProcessOnce.String(), Parent: V3Put.String(), BeginNS: 10, EndNS: 60},
		{Stage: WALSave.String(), Parent: ProcessOnce.String(), BeginNS: 20, EndNS: 100},
		{Stage: WALSync.String(), Parent: WALSave.String(), BeginNS: 30, EndNS: 95},
		{Stage: WriteStatus.String(), BeginNS: 80, EndNS: 100},
	}}
	FillLedger(tl)
	want := []LedgerRow{
		{V3Put.String(), 0, 10}, {ProcessOnce.String(), 10, 20}, {WALSave.String(), 20, 30},
		{WALSync.String(), 30, 60}, {V3Put.String(), 60, 80}, {WriteStatus.String(), 80, 100},
	}
	if !slices.Equal(tl.Ledger, want) {
		t.Errorf("ledger: %v\nwant:   %v", tl.Ledger, want)
	}
}

// Other programs' spans may well outlive the one that they were started in.
func TestAForeignSpanMayOutliveItsParent(t *testing.T) {
	tl := &Timeline{DurationNS: 100, Stages: []StageTime{
		{Stage: "cache.get", BeginNS: 0, EndNS: 40},
		{Stage: "cache.refresh", Parent: "cache.get", BeginNS: 20, EndNS: 100},
	}}
	FillLedger(tl)
	want := []LedgerRow{{"cache.get", 0, 20}, {"cache.refresh", 20, 100}}
	if !slices.Equal(tl.Ledger, want) {
		t.Errorf("ledger: %v\nwant:   %v", tl.Ledger, want)
	}
}
