package record

import (
	"context"
	"fmt"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// A request carries the names of all faults that were on while it ran, whether it
// was begun before they were switched on or ended after they were switched off.
func TestARequestSaysWhichFaultsWereOn(t *testing.T) {
	rc := NewRecorder(Options{})
	defer func() { _ = rc.Close(context.Background()) }()
	started := func() *Record { return rc.Start(nil, 1, Now()) }
	finish := func(r *Record) string {
		r.Done(AllEvents)
		return r.Timeline().Attributes[trace.AttrFaults]
	}

	before := started()
	if got := finish(before); got != "" {
		t.Errorf("before any fault: %q", got)
	}
	around := started()
	rc.FaultOn("slow-fsync")
	inside := started()
	rc.FaultOn("busy-processor")
	rc.FaultOn("busy-processor") // changed, and on all the time
	rc.FaultOff("slow-fsync")
	later := started()
	if got := finish(later); got != "busy-processor" {
		t.Errorf("begun when slow-fsync was off again: %q", got)
	}
	rc.FaultOff("busy-processor")
	for name, r := range map[string]*Record{"begun before": around, "begun inside": inside} {
		if got := finish(r); got != "busy-processor,slow-fsync" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := finish(started()); got != "" {
		t.Errorf("after all faults: %q", got)
	}
	if got := before.Timeline().Attributes[trace.AttrFaults]; got != "" {
		t.Errorf("a record that is looked at later has changed: %q", got)
	}
}

// However often faults are switched, what is remembered is bounded, and a request
// that met one never loses it.
func TestRememberedFaultsAreBounded(t *testing.T) {
	rc := &Recorder{}
	rc.FaultOn("first")
	met := Now()
	rc.FaultOff("first")
	for i := range 5 * maxFaultPeriods {
		name := fmt.Sprintf("fault-%d", i%8)
		rc.FaultOn(name)
		rc.FaultOff(name)
	}
	if n := len(*rc.faults.periods.Load()); n > maxFaultPeriods {
		t.Errorf("%d periods are remembered, want at most %d", n, maxFaultPeriods)
	}
	if got := fmt.Sprint(rc.faults.during(met, met)); got != "[first]" {
		t.Errorf("a request from long ago carries %s", got)
	}
}

// The wait of an accept stands in the timeline of the request that opened the
// connection, and its name in those of all.
func TestAFaultOfAConnectionBelongsToTheRequestThatOpenedIt(t *testing.T) {
	rc := NewRecorder(Options{})
	defer func() { _ = rc.Close(context.Background()) }()
	c := rc.NewConn("1.2.3.4:5", "6.7.8.9:10")
	now := Now()
	c.Faults = []ConnFault{{Name: "delayed-accept", At: stages.NetAccept, Begin: now, End: now + 100}, {Name: "small-window"}}
	first, second := rc.Start(c, 1, now+200), rc.Start(c, 3, now+300)
	for _, r := range []*Record{first, second} {
		r.Done(AllEvents)
		if got := r.Timeline().Attributes[trace.AttrFaults]; got != "delayed-accept,small-window" {
			t.Errorf("faults = %q", got)
		}
	}
	row := first.Timeline().Find(stages.Fault)
	if row == nil || row.Scope != stages.ScopeConn || row.BeginNS != -200 || row.EndNS != -100 || row.Attributes[trace.AttrWhy] != "delayed-accept" {
		t.Errorf("row of the request that opened it: %+v", row)
	}
	if row := second.Timeline().Find(stages.Fault); row != nil {
		t.Errorf("row of the second request: %+v", row)
	}
}
