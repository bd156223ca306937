package path

import (
	"context"
	"errors"
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/raft/v3"
)

func TestAResultWakesItsRequest(t *testing.T) {
	table := &requests{}
	rec := known(t, table, 1)[0]
	w := &waitTable{wait.New(), table, nil}
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
	w := &waitTable{wait.New(), table, nil}
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

// A result may come long after apply.entry has ended: when the store is full, the
// alarm goes first.
func TestALateResultDoesNotMakeItsEntryLonger(t *testing.T) {
	table := &requests{}
	rec := known(t, table, 1)[0]
	rec.EndAt(stages.ApplyEntry, 1)
	(&waitTable{wait.New(), table, nil}).Trigger(1, &etcdserver.Result{})
	if _, applied := rec.Stamps(stages.ApplyEntry); applied != 1 {
		t.Errorf("apply.entry ends at %d", applied)
	}
}

func TestAResultForNobodyHereIsPassedOn(t *testing.T) {
	w := &waitTable{wait.New(), &requests{}, nil}
	c := w.Register(9)
	w.Trigger(9, "x")
	if x := seamtest.Await(t, "result", c); x != "x" {
		t.Errorf("got %v", x)
	}
}

// fakeNode is a raft that takes proposals as it is told.
type fakeNode struct {
	raft.Node
	propose func(context.Context, []byte) error
}

func (n fakeNode) Propose(ctx context.Context, data []byte) error { return n.propose(ctx, data) }

func TestAProposalIsFoundAgainByItsID(t *testing.T) {
	rec, table := seamtest.Record(t), &requests{}
	var during *record.Record
	n := &node{fakeNode{propose: func(_ context.Context, data []byte) error {
		during = table.ofEntry(data) // raft may be quicker than Propose's return
		return nil
	}}, table, nil}
	if err := n.Propose(seamtest.Context(t, rec), seamtest.Entry(t, 7)); err != nil {
		t.Fatal(err)
	}
	if during != rec || table.get(7) != rec || rec.RequestID() != 7 {
		t.Errorf("found %p during and %p after the proposal, want %p", during, table.get(7), rec)
	}
	_, proposed := rec.Stamps(stages.RaftPropose)
	if waits, _ := rec.Stamps(stages.RaftWaitReady); waits == 0 || waits != proposed {
		t.Errorf("raft.waitReady begins at %d, raft.propose ends at %d", waits, proposed)
	}
}

func TestAProposalThatRaftRefusesIsForgotten(t *testing.T) {
	rec, table := seamtest.Record(t), &requests{}
	n := &node{fakeNode{propose: func(context.Context, []byte) error { return raft.ErrProposalDropped }}, table, nil}
	if err := n.Propose(seamtest.Context(t, rec), seamtest.Entry(t, 7)); !errors.Is(err, raft.ErrProposalDropped) {
		t.Errorf("propose: %v", err)
	}
	if table.get(7) != nil {
		t.Error("it is still in the table")
	}
	if _, proposed := rec.Stamps(stages.RaftPropose); proposed == 0 {
		t.Error("raft.propose has no end")
	}
	if waits, _ := rec.Stamps(stages.RaftWaitReady); waits != 0 {
		t.Error("it waits for a Ready")
	}
}

func TestTheServersOwnProposalsAreNobodys(t *testing.T) {
	table, proposed := &requests{}, 0
	n := &node{fakeNode{propose: func(context.Context, []byte) error { proposed++; return nil }}, table, nil}
	if err := n.Propose(seamtest.Limit(t), seamtest.Entry(t, 7)); err != nil || proposed != 1 {
		t.Errorf("proposed %d times: %v", proposed, err)
	}
	if table.get(7) != nil {
		t.Error("it is in the table")
	}
}

func TestWhoWasNotTriggeredDidNotWakeUp(t *testing.T) {
	for name, triggered := range map[string]bool{"by its result": true, "by its own patience": false} {
		t.Run(name, func(t *testing.T) {
			rec, gone := seamtest.Record(t), errors.New("gone")
			once := new(Path).processOnce(func(context.Context, *pb.InternalRaftRequest) (*etcdserver.Result, error) {
				if triggered {
					rec.Begin(stages.WaitTrigger)
				}
				return nil, gone
			})
			if _, err := once(seamtest.Context(t, rec), &pb.InternalRaftRequest{}); !errors.Is(err, gone) {
				t.Errorf("error: %v", err)
			}
			_, ended := rec.Stamps(stages.ProcessOnce)
			if _, woke := rec.Stamps(stages.WaitTrigger); (woke != 0) != triggered || triggered && woke != ended {
				t.Errorf("wait.trigger ends at %d, the wait at %d", woke, ended)
			}
		})
	}
}

// len counts the requests in the table.
func (q *requests) len() (n int) {
	for i := range q.slots {
		if q.slots[i].Load() != nil {
			n++
		}
	}
	return n
}
