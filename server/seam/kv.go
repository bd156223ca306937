package seam

import (
	"glasskv/trace"

	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// kv observes the store while an entry is applied: taking its locks, the
// changes, and the end of the transaction, which may commit the backend.
type kv struct {
	mvcc.WatchableKV
	applying *applying
}

func (k *kv) Write(t *traceutil.Trace) mvcc.TxnWrite {
	rec := k.applying.current.Load()
	k.applying.holds.shared(rec, trace.MVCCBegin)
	rec.Begin(trace.MVCCBegin)
	tx := k.WatchableKV.Write(t)
	rec.End(trace.MVCCBegin)
	return &txnWrite{tx, rec, k.applying}
}

// txnWrite observes one write transaction. Of a transaction with many changes
// each kind spans from the first to the last.
type txnWrite struct {
	mvcc.TxnWrite
	rec      *trace.Record // nil when nobody waits for it
	applying *applying
}

func (t *txnWrite) Put(key, value []byte, id lease.LeaseID) int64 {
	t.applying.holds.shared(t.rec, trace.MVCCPut)
	t.rec.Begin(trace.MVCCPut)
	rev := t.TxnWrite.Put(key, value, id)
	t.rec.End(trace.MVCCPut)
	return rev
}

func (t *txnWrite) DeleteRange(key, end []byte) (n, rev int64) {
	t.applying.holds.shared(t.rec, trace.MVCCDeleteRange)
	t.rec.Begin(trace.MVCCDeleteRange)
	n, rev = t.TxnWrite.DeleteRange(key, end)
	t.rec.End(trace.MVCCDeleteRange)
	return n, rev
}

// End is where the store tells the watchers, before the change is visible.
func (t *txnWrite) End() {
	t.applying.holds.shared(t.rec, trace.MVCCEnd)
	now := trace.Now()
	if len(t.Changes()) > 0 {
		t.applying.notified.put(t.Rev()+1, now)
	}
	t.rec.BeginAt(trace.MVCCEnd, now)
	t.TxnWrite.End()
	t.rec.End(trace.MVCCEnd)
}
