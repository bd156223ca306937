package path

import (
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// fakeTxn counts what is asked of it.
type fakeTxn struct {
	mvcc.TxnWrite
	puts, deletes, ends int
}

func (f *fakeTxn) Put([]byte, []byte, lease.LeaseID) int64 { f.puts++; return int64(f.puts) }

func (f *fakeTxn) DeleteRange([]byte, []byte) (n, rev int64) {
	f.deletes++
	return int64(f.deletes), 9
}

func (f *fakeTxn) End() { f.ends++ }

// Rev is the revision before the transaction, and Changes are what it did.
func (f *fakeTxn) Rev() int64                  { return 4 }
func (f *fakeTxn) Changes() []*mvccpb.KeyValue { return make([]*mvccpb.KeyValue, f.puts+f.deletes) }

// fakeStore has one transaction.
type fakeStore struct {
	mvcc.WatchableKV
	txn *fakeTxn
}

func (f fakeStore) Write(*traceutil.Trace) mvcc.TxnWrite { return f.txn }

func TestAWritingTransactionIsSeenFromItsLockToItsEnd(t *testing.T) {
	rec, inner, a := seamtest.Record(t), &fakeTxn{}, &applying{notified: &notifyStamps{}}
	a.current.Store(rec)
	tx := (&kv{fakeStore{txn: inner}, a}).Write(nil)
	var firstEnd int64
	for i := range int64(3) {
		if rev := tx.Put(nil, nil, 0); rev != i+1 {
			t.Errorf("put %d is revision %d", i, rev)
		}
		if i == 0 {
			_, firstEnd = rec.Stamps(stages.MVCCPut)
		}
	}
	if n, rev := tx.DeleteRange(nil, nil); n != 1 || rev != 9 {
		t.Errorf("deleted %d, revision %d", n, rev)
	}
	tx.End()
	if inner.puts != 3 || inner.deletes != 1 || inner.ends != 1 {
		t.Errorf("the store saw %+v", inner)
	}
	last := int64(0)
	for _, s := range []stages.Stage{stages.MVCCBegin, stages.MVCCPut, stages.MVCCDeleteRange, stages.MVCCEnd} {
		begin, end := rec.Stamps(s)
		if begin < last || end < begin {
			t.Errorf("%s is %d to %d, after %d", s, begin, end, last)
		}
		last = end
	}
	if _, end := rec.Stamps(stages.MVCCPut); end <= firstEnd {
		t.Error("of several puts only the first counts")
	}
}

// Another member's entry is nobody's request, and watchers are told of it all the
// same. A transaction that changed nothing makes no revision.
func TestAWriteForNobodyIsStampedForItsWatchers(t *testing.T) {
	inner, told := &fakeTxn{}, &notifyStamps{}
	store := &kv{fakeStore{txn: inner}, &applying{notified: told}}
	store.Write(nil).End()
	if stamp := told.get(5); stamp != 0 {
		t.Errorf("revision 5 was stamped %d before it was there", stamp)
	}
	before := record.Now()
	tx := store.Write(nil)
	tx.Put(nil, nil, 0)
	tx.End()
	if stamp := told.get(5); stamp < before || stamp > record.Now() {
		t.Errorf("revision 5 was stamped %d, want it after %d", stamp, before)
	}
}
