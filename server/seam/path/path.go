package path

import (
	"context"
	"sync/atomic"

	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/raft/v3"

	"glasskv/server/etcdserver"
	"glasskv/server/seam/fault"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Path observes the requests of one server from the proposal, or the read, to the store
// and back. Together with front.Front it implements hold.Surroundings.
type Path struct {
	holds    *hold.Holds
	faults   *fault.Faults
	requests requests
	raftLoop raftLoop
	applying applying
	notified notifyStamps
	readLoop readLoop
	raftNode atomic.Pointer[raft.Node] // nil until the server starts raft
}

// New returns the observer of one server. It returns an error if it cannot find the
// histogram by which the WAL measures fdatasync: without it, wal.sync cannot be separated
// from the rest of wal.save.
func New(h *hold.Holds, f *fault.Faults) (*Path, error) {
	meter, err := newFsyncMeter()
	if err != nil {
		return nil, err
	}
	p := &Path{holds: h, faults: f}
	p.raftLoop = raftLoop{requests: &p.requests, fsync: meter, holds: h, faults: f}
	p.applying.requests, p.applying.notified = &p.requests, &p.notified
	p.applying.holds, p.applying.faults = h, f
	p.readLoop.holds = h
	return p, nil
}

// Seams returns the wrappers for server/etcdserver. All of them must be installed, and on
// one server only.
func (p *Path) Seams() etcdserver.Seams {
	return etcdserver.Seams{
		Node:    func(n raft.Node) raft.Node { p.raftNode.Store(&n); return &node{n, &p.requests, p.holds} },
		Storage: func(s etcdserver.Storage) etcdserver.Storage { return &storage{s, &p.raftLoop} },
		Wait:    func(w wait.Wait) wait.Wait { return &waitTable{w, &p.requests, p.holds} },
		KV:      func(k mvcc.WatchableKV) mvcc.WatchableKV { return &kv{k, &p.applying} },

		RaftRequest: p.raftRequest,
		ProcessOnce: p.processOnce,
		ReqTimeout:  p.reqTimeout,
		Ready:       p.raftLoop.ready,
		ApplyAll:    p.applying.all,
		ApplyEntry:  p.applying.entry,
		Apply:       p.applying.apply,
		Range:       p.rangeKeys,
		Txn:         p.txn,
		ReadNotify:  p.readLoop.notify,
		ReadRound:   p.readLoop.round,
		ReadIndex:   p.readLoop.index,
		WaitApplied: p.readLoop.waitApplied,

		Maintenance: p.maintenanceSeams(),

		LeaseWaitApplied: p.leaseWaitApplied,
		LeaseLookup:      p.leaseLookup,
		LeaseRenew:       p.leaseRenew,
	}
}

// observe wraps a call that is one stage of the request whose record travels in the call's
// context.
func observe[Q, R any](p *Path, stage stages.Stage, next func(context.Context, Q) (R, error)) func(context.Context, Q) (R, error) {
	return func(ctx context.Context, request Q) (R, error) {
		rec := record.FromContext(ctx)
		p.holds.Reach(ctx, rec, stage)
		rec.Begin(stage)
		reply, err := next(ctx, request)
		rec.End(stage)
		return reply, err
	}
}

// stampSince stamps a stage that began at begin and ends now. For a stream, which
// passes the stage once for each message, it adds a repeat.
func stampSince(ctx context.Context, stage stages.Stage, begin int64) {
	rec, now := record.FromContext(ctx), record.Now()
	if rec.Has(record.MarkStreaming) {
		rec.Repeat(stage, begin, now)
		return
	}
	rec.BeginAt(stage, begin)
	rec.EndAt(stage, now)
}
