package etcdserver

import (
	"bytes"
	"context"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/errors"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"google.golang.org/protobuf/proto"
)

// Every write makes one revision, and the revision tells what a reader sees.
func TestWritesMakeRevisions(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	first := put(t, s, "k", "v1").Header.Revision
	second := put(t, s, "k", "v2").Header.Revision
	if second != first+1 {
		t.Errorf("second put made revision %d, want %d", second, first+1)
	}
	wantGet(t, s, "k", "v2")

	old, err := s.Range(testContext(t), &pb.RangeRequest{Key: []byte("k"), Revision: first})
	if err != nil || string(old.Kvs[0].Value) != "v1" {
		t.Errorf("at revision %d: %v, %v", first, old, err)
	}

	put(t, s, "l", "v")
	del, err := s.DeleteRange(testContext(t), &pb.DeleteRangeRequest{Key: []byte("k"), RangeEnd: []byte("m")})
	if err != nil || del.Deleted != 2 {
		t.Errorf("deleted %v, %v, want 2 keys", del, err)
	}
	wantGet(t, s, "k", "")
}

// A transaction takes one branch or the other and does all of it or nothing.
func TestTxnTakesOneBranch(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	put(t, s, "balance", "10")
	transfer := &pb.TxnRequest{
		Compare: []*pb.Compare{{
			Key: []byte("balance"), Target: pb.Compare_VALUE,
			TargetUnion: &pb.Compare_Value{Value: []byte("10")},
		}},
		Success: []*pb.RequestOp{opPut("balance", "5"), opPut("paid", "5")},
		Failure: []*pb.RequestOp{opGet("balance")},
	}
	for _, want := range []bool{true, false} {
		resp, err := s.Txn(testContext(t), proto.Clone(transfer).(*pb.TxnRequest))
		if err != nil || resp.Succeeded != want {
			t.Fatalf("txn: %v, %v, want succeeded = %v", resp, err, want)
		}
	}
	wantGet(t, s, "balance", "5")
	wantGet(t, s, "paid", "5")
}

// A transaction that cannot write does not go through the log.
func TestReadOnlyTxnStaysOutOfTheLog(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	put(t, s, "k", "v")
	before := s.CommittedIndex()
	resp, err := s.Txn(testContext(t), &pb.TxnRequest{Success: []*pb.RequestOp{opGet("k")}})
	if err != nil || len(resp.Responses[0].GetResponseRange().Kvs) != 1 {
		t.Fatalf("txn: %v, %v", resp, err)
	}
	if after := s.CommittedIndex(); after != before {
		t.Errorf("committed index went from %d to %d", before, after)
	}
}

func TestCompactDropsHistory(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	old := put(t, s, "k", "v1").Header.Revision
	now := put(t, s, "k", "v2").Header.Revision
	if _, err := s.Compact(testContext(t), &pb.CompactionRequest{Revision: now, Physical: true}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Range(testContext(t), &pb.RangeRequest{Key: []byte("k"), Revision: old})
	wantErr(t, err, mvcc.ErrCompacted)
	_, err = s.Compact(testContext(t), &pb.CompactionRequest{Revision: old})
	wantErr(t, err, mvcc.ErrCompacted)
	_, err = s.Compact(testContext(t), &pb.CompactionRequest{Revision: now + 100})
	wantErr(t, err, mvcc.ErrFutureRev)
	wantGet(t, s, "k", "v2")
}

// What apply refuses comes back to the caller, and the member goes on.
func TestErrorsFromApply(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte("k"), Lease: 4711})
	wantErr(t, err, lease.ErrLeaseNotFound)
	_, err = s.Put(testContext(t), &pb.PutRequest{Key: []byte("k"), IgnoreValue: true})
	wantErr(t, err, errors.ErrKeyNotFound)
	_, err = s.LeaseRevoke(testContext(t), &pb.LeaseRevokeRequest{ID: 4711})
	wantErr(t, err, lease.ErrLeaseNotFound)
	put(t, s, "k", "v")
}

func TestRequestTooLarge(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.MaxRequestBytes = 1024
	s := startServer(t, cfg, Seams{})
	_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte("k"), Value: bytes.Repeat([]byte("x"), 2048)})
	wantErr(t, err, errors.ErrRequestTooLarge)
	wantGet(t, s, "k", "")
}

// When apply cannot keep up with what is committed, proposals are refused.
func TestTooManyRequests(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	s.committedIndex.Store(s.AppliedIndex() + maxGapBetweenApplyAndCommitIndex + 1)
	_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte("k")})
	wantErr(t, err, errors.ErrTooManyRequests)
}

// A client that has gone gets an error at once, and its entry harms nobody.
func TestCallerGivesUp(t *testing.T) {
	held, release := make(chan struct{}), make(chan struct{})
	seams := Seams{Apply: func(next ApplyFunc) ApplyFunc {
		return func(ctx context.Context, r *pb.InternalRaftRequest) *Result {
			if r.Put != nil && string(r.Put.Key) == "slow" {
				close(held)
				<-release
			}
			return next(ctx, r)
		}
	}}
	s := startServer(t, testConfig(t, t.TempDir()), seams)
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		<-held
		cancel()
	}()
	_, err := s.Put(ctx, &pb.PutRequest{Key: []byte("slow")})
	wantErr(t, err, errors.ErrCanceled)
	close(release)
	put(t, s, "k", "v")
}

// A lease takes its keys with it when it is revoked, and when it expires.
func TestLeaseTakesItsKeys(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	for _, how := range []string{"revoked", "expired"} {
		grant, err := s.LeaseGrant(testContext(t), &pb.LeaseGrantRequest{TTL: 1})
		if err != nil {
			t.Fatal(err)
		}
		ws := s.KV().NewWatchStream()
		if _, err := ws.Watch(testContext(t), 0, []byte(how), nil, 0); err != nil {
			t.Fatal(err)
		}
		_, err = s.Put(testContext(t), &pb.PutRequest{Key: []byte(how), Lease: grant.ID})
		if err != nil {
			t.Fatal(err)
		}
		if how == "revoked" {
			if _, err := s.LeaseRevoke(testContext(t), &pb.LeaseRevokeRequest{ID: grant.ID}); err != nil {
				t.Fatal(err)
			}
		}
		awaitDelete(t, ws)
		ws.Close()
		wantGet(t, s, how, "")
	}
}

// Over the quota, the write that finds out is answered with an error, an alarm
// refuses those after it, and deletes go on working.
func TestQuotaRaisesAlarm(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	cfg.QuotaBackendBytes = 1
	s := startServer(t, cfg, Seams{})
	for range 2 {
		_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte("k"), Value: []byte("v")})
		wantErr(t, err, errors.ErrNoSpace)
	}
	if n := len(s.Alarms()); n != 1 {
		t.Fatalf("%d alarms, want one", n)
	}
	if _, err := s.DeleteRange(testContext(t), &pb.DeleteRangeRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	disarm := &pb.AlarmRequest{
		Action: pb.AlarmRequest_DEACTIVATE, MemberID: uint64(s.MemberID()), Alarm: pb.AlarmType_NOSPACE,
	}
	if _, err := s.Alarm(testContext(t), disarm); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Alarms()); n != 0 {
		t.Errorf("%d alarms after clearing", n)
	}
}

// A member that is found corrupt is not written to any more.
func TestCorruptAlarmRefusesWrites(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	raise := &pb.AlarmRequest{
		Action: pb.AlarmRequest_ACTIVATE, MemberID: uint64(s.MemberID()), Alarm: pb.AlarmType_CORRUPT,
	}
	if _, err := s.Alarm(testContext(t), raise); err != nil {
		t.Fatal(err)
	}
	_, err := s.Put(testContext(t), &pb.PutRequest{Key: []byte("k")})
	wantErr(t, err, errors.ErrCorrupt)
	_, err = s.DeleteRange(testContext(t), &pb.DeleteRangeRequest{Key: []byte("k")})
	wantErr(t, err, errors.ErrCorrupt)
}

// The limit of a chunk settles, whatever the size of the values, and never reaches 0.
func TestChunkLimitSettles(t *testing.T) {
	const want = 1 << 20
	for _, size := range []int{1, 100, 10_000, want - 1, 3 * want} {
		limit := int64(initialStreamChunkLimit)
		next := func() int64 { return adjustChunkLimit(limit, int(limit)*size, want) }
		for range 30 {
			limit = next()
		}
		if limit < 1 || next() != limit {
			t.Errorf("values of %d bytes: the limit is %d keys, then %d", size, limit, next())
		}
	}
}
