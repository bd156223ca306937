package trace_test

import (
	"slices"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// A write whose client gives up is saved and applied all the same. The request
// does not wait for that any more.
func TestWhatGoesOnWithoutTheRequestIsNotWaitedFor(t *testing.T) {
	tl := &trace.Timeline{DurationNS: 100, Stages: []trace.StageTime{
		{Stage: stages.V3Put.String(), BeginNS: 0, EndNS: 80},
		{Stage: stages.ProcessOnce.String(), Parent: stages.V3Put.String(), BeginNS: 10, EndNS: 60},
		{Stage: stages.WALSave.String(), Parent: stages.ProcessOnce.String(), BeginNS: 20, EndNS: 100},
		{Stage: stages.WALSync.String(), Parent: stages.WALSave.String(), BeginNS: 30, EndNS: 95},
		{Stage: stages.WriteStatus.String(), BeginNS: 80, EndNS: 100},
	}}
	trace.FillLedger(tl)
	want := []trace.LedgerRow{
		{stages.V3Put.String(), 0, 10}, {stages.ProcessOnce.String(), 10, 20}, {stages.WALSave.String(), 20, 30},
		{stages.WALSync.String(), 30, 60}, {stages.V3Put.String(), 60, 80}, {stages.WriteStatus.String(), 80, 100},
	}
	if !slices.Equal(tl.Ledger, want) {
		t.Errorf("ledger: %v\nwant:   %v", tl.Ledger, want)
	}
}

// Other programs' spans may well outlive the one that they were started in.
func TestAForeignSpanMayOutliveItsParent(t *testing.T) {
	tl := &trace.Timeline{DurationNS: 100, Stages: []trace.StageTime{
		{Stage: "cache.get", BeginNS: 0, EndNS: 40},
		{Stage: "cache.refresh", Parent: "cache.get", BeginNS: 20, EndNS: 100},
	}}
	trace.FillLedger(tl)
	want := []trace.LedgerRow{{"cache.get", 0, 20}, {"cache.refresh", 20, 100}}
	if !slices.Equal(tl.Ledger, want) {
		t.Errorf("ledger: %v\nwant:   %v", tl.Ledger, want)
	}
}
