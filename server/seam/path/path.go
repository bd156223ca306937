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
	"glasskv/server/v3rpc"
	"glasskv/trace/record"
)

// Path observes one server's way of a request from its proposal, or its read, to the
// store and back. It is a hold.Surroundings together with front.Front.
type Path struct {
	holds    *hold.Holds
	faults   *fault.Faults
	requests requests
	loop     raftLoop
	applying applying
	notified notified
	reading  reading
	raftNode atomic.Pointer[raft.Node] // once the server is being built
}

// newPath returns the observer of one server. It is an error when the WAL's own
// measurement of its fdatasync cannot be found: the disk could not be told from the
// rest of a save.
func New(h *hold.Holds, f *fault.Faults) (*Path, error) {
	meter, err := newFsyncMeter()
	if err != nil {
		return nil, err
	}
	p := &Path{holds: h, faults: f}
	p.loop = raftLoop{requests: &p.requests, fsync: meter, holds: h, faults: f}
	p.applying.requests, p.applying.notified = &p.requests, &p.notified
	p.applying.holds, p.applying.faults = h, f
	p.reading.holds = h
	return p, nil
}

// Watch returns the wrapper of each watch stream's send loop.
func (o *Path) Watch() func(context.Context, v3rpc.WatchLoop) v3rpc.WatchLoop { return o.watchLoop }

// Seams returns the wrappers of the server's inner half.
func (o *Path) Seams() etcdserver.Seams {
	return etcdserver.Seams{
		Node:    func(n raft.Node) raft.Node { o.raftNode.Store(&n); return &node{n, &o.requests, o.holds} },
		Storage: func(s etcdserver.Storage) etcdserver.Storage { return &storage{s, &o.loop} },
		Wait:    func(w wait.Wait) wait.Wait { return &waiting{w, &o.requests, o.holds} },
		KV:      func(k mvcc.WatchableKV) mvcc.WatchableKV { return &kv{k, &o.applying} },

		RaftRequest: o.raftRequest,
		ProcessOnce: o.processOnce,
		ReqTimeout:  o.reqTimeout,
		Ready:       o.loop.ready,
		ApplyAll:    o.applying.all,
		ApplyEntry:  o.applying.entry,
		Apply:       o.applying.apply,
		Range:       o.rangeKeys,
		Txn:         o.txn,
		ReadNotify:  o.reading.notify,
		ReadRound:   o.reading.round,
		ReadIndex:   o.reading.index,
		WaitApplied: o.reading.waitApplied,

		Maintenance: o.maintenanceSeams(),

		LeaseWaitApplied: o.leaseWaitApplied,
		LeaseLookup:      o.leaseLookup,
		LeaseRenew:       o.leaseRenew,
	}
}

// Current returns the record of the request whose entry is being applied, or nil.
func (o *Path) Current() *record.Record { return o.applying.current.Load() }
