package etcdserver

import (
	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/raft/v3"
)

// path holds the functions of the request path that can be wrapped: each is a
// method of the server inside the wrapper that its seam put around it, if any.
// Code on the path calls s.path.x and never the method itself.
type path struct {
	raftRequest RaftRequestFunc
	processOnce ProcessOnceFunc
	reqTimeout  ReqTimeoutFunc

	applyAll   ApplyAllFunc
	applyEntry ApplyEntryFunc
	apply      ApplyFunc

	rangeFn    RangeFunc
	rangeChunk RangeFunc
	txn        TxnFunc

	readNotify  ReadNotifyFunc
	readRound   ReadRoundFunc
	readIndex   ReadIndexFunc
	waitApplied WaitAppliedFunc

	leaseWaitApplied LeaseWaitAppliedFunc
	leaseLookup      LeaseLookupFunc
	leaseRenew       LeaseRenewFunc

	hash       HashFunc
	hashByRev  HashByRevFunc
	defragment DefragmentFunc
	snapshot   SnapshotFunc
}

// wire puts the seams in place. It runs once, in NewServer, before the first
// goroutine that could call any of this.
func (s *EtcdServer) wire(seams Seams, node raft.Node, storage Storage) {
	s.r.Node = wrap(seams.Node, node)
	s.r.storage = wrap(seams.Storage, storage)
	s.r.ready = wrap(seams.Ready, s.r.processReady)
	s.w = wrap(seams.Wait, s.w)
	s.kv = wrap(seams.KV, s.kv)
	// The store has registered itself with the lessor, to delete the keys of a
	// revoked lease. These deletes must pass the wrapper as well.
	s.lessor.SetRangeDeleter(func() lease.TxnDelete { return s.kv.Write(traceutil.TODO()) })

	s.path = path{
		raftRequest: wrap(seams.RaftRequest, s.raftRequest),
		processOnce: wrap(seams.ProcessOnce, s.processInternalRaftRequestOnce),
		reqTimeout:  wrap(seams.ReqTimeout, s.cfg.ReqTimeout),
		applyAll:    wrap(seams.ApplyAll, s.applyAll),
		applyEntry:  wrap(seams.ApplyEntry, s.applyEntryNormal),
		apply:       wrap(seams.Apply, s.dispatch),
		rangeFn:     wrap(seams.Range, s.readRange),
		rangeChunk:  wrap(seams.Range, s.readChunk),
		txn:         wrap(seams.Txn, s.readTxn),
		readNotify:  wrap(seams.ReadNotify, s.readNotify),
		readRound:   wrap(seams.ReadRound, s.readRound),
		readIndex:   wrap(seams.ReadIndex, s.requestCurrentIndex),
		waitApplied: wrap(seams.WaitApplied, s.waitApplied),

		leaseWaitApplied: wrap(seams.LeaseWaitApplied, s.waitAppliedIndex),
		leaseLookup:      wrap(seams.LeaseLookup, s.lookupLease),
		leaseRenew:       wrap(seams.LeaseRenew, s.renewLease),

		hash:       wrap(seams.Maintenance.Hash, s.hashBackend),
		hashByRev:  wrap(seams.Maintenance.HashByRev, s.hashKeys),
		defragment: wrap(seams.Maintenance.Defragment, s.defragBackend),
		snapshot:   wrap(seams.Maintenance.Snapshot, s.snapshotBackend),
	}
}

// wrap returns plain inside the wrapper, and plain itself if wrapper is nil: a
// server without seams pays one indirect call and nothing else.
func wrap[T any](wrapper func(T) T, plain T) T {
	if wrapper == nil {
		return plain
	}
	return wrapper(plain)
}
