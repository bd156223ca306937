package path

import (
	"context"
	"testing"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/raft/v3/raftpb"
)

// Three entries are applied. The first and the last are clients', the second is
// another member's.
func TestEntriesAreAppliedOneAfterTheOther(t *testing.T) {
	a := &applying{requests: &requests{}}
	recs := known(t, a.requests, 1, 3)
	var owners []*record.Record
	apply := a.apply(func(context.Context, *pb.InternalRaftRequest) *etcdserver.Result {
		owners = append(owners, a.current.Load())
		return &etcdserver.Result{}
	})
	entry := a.entry(func(*raftpb.Entry) { apply(seamtest.Limit(t), &pb.InternalRaftRequest{Put: &pb.PutRequest{}}) })
	a.all(func(entries []*raftpb.Entry) {
		for _, e := range entries {
			entry(e)
		}
	})(entriesOf(t, 1, 2, 3))

	if want := []*record.Record{recs[0], nil, recs[1]}; len(owners) != 3 || owners[0] != want[0] || owners[1] != nil || owners[2] != want[2] {
		t.Errorf("owners %v, want %v", owners, want)
	}
	if a.current.Load() != nil {
		t.Error("somebody's entry is still being applied")
	}
	last := int64(0)
	for _, rec := range recs {
		queued, begun := rec.Stamps(stages.ApplyQueue)
		entered, left := rec.Stamps(stages.ApplyEntry)
		put, done := rec.Stamps(stages.TxnPut)
		for _, at := range []int64{queued, begun, put, done, left} {
			if at == 0 {
				t.Errorf("queue %d to %d, entry %d to %d, put %d to %d", queued, begun, entered, left, put, done)
			}
		}
		if begun != entered || entered < last || put < entered || done > left {
			t.Errorf("queue %d to %d, entry %d to %d, put %d to %d, after %d", queued, begun, entered, left, put, done, last)
		}
		last = left
	}
}

// The handler may be far ahead by the time at which apply is through with the
// entry. So apply.entry ends where the result is handed over.
func TestAnEntrysPartEndsWhereItsResultIsHandedOver(t *testing.T) {
	table := &requests{}
	a := &applying{requests: table}
	rec := known(t, table, 1)[0]
	w := &waitTable{wait.New(), table, nil}
	result := w.Register(1)
	a.entry(func(*raftpb.Entry) {
		w.Trigger(1, &etcdserver.Result{})
		<-result
		rec.End(stages.ProcessOnce)
	})(entriesOf(t, 1)[0])
	_, applied := rec.Stamps(stages.ApplyEntry)
	if triggered, _ := rec.Stamps(stages.WaitTrigger); applied == 0 || applied != triggered {
		t.Errorf("apply.entry ends at %d, wait.trigger begins at %d", applied, triggered)
	}
}

func TestEachChangeHasAStage(t *testing.T) {
	for want, r := range map[stages.Stage]*pb.InternalRaftRequest{
		stages.TxnPut:         {Put: &pb.PutRequest{}},
		stages.TxnDeleteRange: {DeleteRange: &pb.DeleteRangeRequest{}},
		stages.TxnTxn:         {Txn: &pb.TxnRequest{}},
		stages.TxnCompact:     {Compaction: &pb.CompactionRequest{}},
		stages.ApplyLease:     {LeaseGrant: &pb.LeaseGrantRequest{}},
		stages.None:           {Alarm: &pb.AlarmRequest{}},
	} {
		if got := changeOf(r); got != want {
			t.Errorf("%v: %s, want %s", r, got, want)
		}
	}
	if got := changeOf(&pb.InternalRaftRequest{LeaseRevoke: &pb.LeaseRevokeRequest{}}); got != stages.ApplyLease {
		t.Errorf("revoke: %s", got)
	}
}
