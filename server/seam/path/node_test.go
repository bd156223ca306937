package path

import (
	"context"
	"errors"
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/raft/v3"
)

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
		during = table.of(data) // raft may be quicker than Propose's return
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
