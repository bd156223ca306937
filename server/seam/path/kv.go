package path

import (
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// kv observes the store while an entry is applied: the beginning of its transaction
// (which takes the locks), the changes, and the end (which may commit the backend).
// watch.go has its NewWatchStream.
type kv struct {
	mvcc.WatchableKV
	applying *applying
}

// Write begins a write transaction. Only the apply goroutine calls it.
func (k *kv) Write(t *traceutil.Trace) mvcc.TxnWrite {
	rec := k.applying.current.Load()
	k.applying.holds.ReachShared(rec, stages.MVCCBegin)
	rec.Begin(stages.MVCCBegin)
	tx := k.WatchableKV.Write(t)
	rec.End(stages.MVCCBegin)
	return &txnWrite{tx, rec, k.applying}
}

// txnWrite observes one write transaction. If it makes many changes, each kind of change is
// one stage, from its first change to its last.
type txnWrite struct {
	mvcc.TxnWrite
	rec      *record.Record // nil if the entry belongs to no recorded request
	applying *applying
}

func (t *txnWrite) Put(key, value []byte, id lease.LeaseID) int64 {
	t.applying.holds.ReachShared(t.rec, stages.MVCCPut)
	t.rec.Begin(stages.MVCCPut)
	rev := t.TxnWrite.Put(key, value, id)
	t.rec.End(stages.MVCCPut)
	return rev
}

func (t *txnWrite) DeleteRange(key, end []byte) (n, rev int64) {
	t.applying.holds.ReachShared(t.rec, stages.MVCCDeleteRange)
	t.rec.Begin(stages.MVCCDeleteRange)
	n, rev = t.TxnWrite.DeleteRange(key, end)
	t.rec.End(stages.MVCCDeleteRange)
	return n, rev
}

// End stamps the revision for the watchers: the store notifies them in its End, before the
// change is visible.
func (t *txnWrite) End() {
	t.applying.holds.ReachShared(t.rec, stages.MVCCEnd)
	now := record.Now()
	if len(t.Changes()) > 0 {
		t.applying.notified.put(t.Rev()+1, now)
	}
	t.rec.BeginAt(stages.MVCCEnd, now)
	t.TxnWrite.End()
	t.rec.End(stages.MVCCEnd)
}
