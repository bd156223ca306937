package path

import (
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/seamtest"
	"glasskv/trace/stages"

	"go.etcd.io/etcd/pkg/v3/wait"
)

func TestAResultWakesItsRequest(t *testing.T) {
	table := &requests{}
	rec := known(t, table, 1)[0]
	w := &waiting{wait.New(), table, nil}
	c := w.Register(1)
	w.Trigger(1, &etcdserver.Result{})
	if x := seamtest.Await(t, "result", c); x == nil {
		t.Error("no result")
	}
	if begin, _ := rec.Stamps(stages.WaitTrigger); begin == 0 {
		t.Error("wait.trigger has not begun")
	}
	if table.len() != 0 {
		t.Error("the request is still in the table")
	}
}

// A request gives up and has its place cleared. Its entry is applied later: the
// record still learns of that, but nobody wakes up.
func TestARequestThatHasGivenUpIsNotWoken(t *testing.T) {
	table := &requests{}
	rec := known(t, table, 1)[0]
	rec.Begin(stages.ProcessOnce)
	w := &waiting{wait.New(), table, nil}
	c := w.Register(1)
	w.Trigger(1, nil)
	rec.End(stages.ProcessOnce)
	if x := seamtest.Await(t, "clearing", c); x != nil {
		t.Errorf("result %v", x)
	}
	if table.get(1) != rec {
		t.Fatal("the record cannot be found when its entry comes")
	}

	w.Trigger(1, &etcdserver.Result{})
	if begin, _ := rec.Stamps(stages.WaitTrigger); begin != 0 {
		t.Error("wait.trigger has begun")
	}
	if _, applied := rec.Stamps(stages.ApplyEntry); applied == 0 {
		t.Error("apply.entry has no end")
	}
	if table.len() != 0 {
		t.Error("the request is still in the table")
	}
}

// A result may be late: when the store is full, the alarm goes first. Then
// apply.entry was over long before.
func TestALateResultDoesNotMakeItsEntryLonger(t *testing.T) {
	table := &requests{}
	rec := known(t, table, 1)[0]
	rec.EndAt(stages.ApplyEntry, 1)
	(&waiting{wait.New(), table, nil}).Trigger(1, &etcdserver.Result{})
	if _, applied := rec.Stamps(stages.ApplyEntry); applied != 1 {
		t.Errorf("apply.entry ends at %d", applied)
	}
}

func TestAResultForNobodyHereIsPassedOn(t *testing.T) {
	w := &waiting{wait.New(), &requests{}, nil}
	c := w.Register(9)
	w.Trigger(9, "x")
	if x := seamtest.Await(t, "result", c); x != "x" {
		t.Errorf("got %v", x)
	}
}
