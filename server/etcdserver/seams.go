package etcdserver

import (
	"context"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/etcd/server/v3/lease"
	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// Seams are the places of the path where behaviour can be wrapped without editing the
// path itself. Each field is a function that takes a part of the server, unwrapped, and
// returns what the server uses instead: a wrapper that observes the part, delays it or
// makes it fail. If a field is nil, the server uses the part itself, so the zero value
// makes a server without wrappers.
//
// NewServer calls these functions (wiring.go) before any goroutine of the server
// runs. The wrappers that they return are called on the goroutines named below.
type Seams struct {
	// Node wraps raft: Propose, ReadIndex, Ready, Advance.
	Node func(raft.Node) raft.Node
	// Storage wraps the log and the snapshot files: Save, SaveSnap, Release,
	// Sync, Close.
	Storage func(Storage) Storage
	// Wait wraps the table where a request waits for the result of its entry:
	// Register on the request's goroutine, Trigger on the apply goroutine.
	Wait func(wait.Wait) wait.Wait
	// KV wraps the store that apply writes and that reads read. Compaction
	// and shutdown use the same value.
	KV func(mvcc.WatchableKV) mvcc.WatchableKV

	// RaftRequest and ProcessOnce wrap the proposal, on the request's goroutine.
	RaftRequest func(RaftRequestFunc) RaftRequestFunc
	ProcessOnce func(ProcessOnceFunc) ProcessOnceFunc

	// ReqTimeout wraps the time limit that the server gives to a request, on the
	// goroutine of the request or of the read loop.
	ReqTimeout func(ReqTimeoutFunc) ReqTimeoutFunc

	// Ready wraps the handling of one Ready, on the raft loop.
	Ready func(ReadyFunc) ReadyFunc

	// ApplyAll, ApplyEntry and Apply wrap the execution of entries, on the apply
	// goroutine. ApplyAll contains ApplyEntry, which contains Apply.
	ApplyAll   func(ApplyAllFunc) ApplyAllFunc
	ApplyEntry func(ApplyEntryFunc) ApplyEntryFunc
	Apply      func(ApplyFunc) ApplyFunc

	// Range and Txn wrap the reading itself, on the request's goroutine. Range is
	// called twice: for the reading of a whole range, and for that of one chunk
	// of a RangeStream.
	Range func(RangeFunc) RangeFunc
	Txn   func(TxnFunc) TxnFunc

	// ReadNotify wraps a reader's wait, on the request's goroutine.
	ReadNotify func(ReadNotifyFunc) ReadNotifyFunc
	// ReadRound, ReadIndex and WaitApplied wrap the work of the read loop, on its
	// goroutine. ReadRound contains the other two.
	ReadRound   func(ReadRoundFunc) ReadRoundFunc
	ReadIndex   func(ReadIndexFunc) ReadIndexFunc
	WaitApplied func(WaitAppliedFunc) WaitAppliedFunc

	// Maintenance wraps work on the member's files.
	Maintenance MaintenanceSeams

	// LeaseWaitApplied, LeaseLookup and LeaseRenew wrap the lease operations that
	// do not go through the log, on the goroutine of the request or the
	// keep-alive stream.
	LeaseWaitApplied func(LeaseWaitAppliedFunc) LeaseWaitAppliedFunc
	LeaseLookup      func(LeaseLookupFunc) LeaseLookupFunc
	LeaseRenew       func(LeaseRenewFunc) LeaseRenewFunc
}

type (
	// RaftRequestFunc takes a request through raft and returns the reply or the
	// error that apply made for it. Upstream: raftRequest.
	RaftRequestFunc func(ctx context.Context, r *pb.InternalRaftRequest) (proto.Message, error)

	// ProcessOnceFunc gives a request its ID, proposes it and waits for its
	// result. The error is that of the proposal, Result.Err that of apply.
	// Upstream: processInternalRaftRequestOnce.
	ProcessOnceFunc func(ctx context.Context, r *pb.InternalRaftRequest) (*Result, error)

	// ReqTimeoutFunc returns how long one proposal, read index or lease request
	// may take from now on; it is called once for each. A wrapper may return a
	// longer time for requests that are held. Upstream: Config.ReqTimeout.
	ReqTimeoutFunc func() time.Duration

	// ReadyFunc handles one Ready from its receipt to Advance. An error means
	// that the Ready is not durable; the member stops. Only the raft loop calls
	// it. Upstream: the body of that loop, raftNode.start.
	ReadyFunc func(rd raft.Ready) error

	// ApplyAllFunc applies the committed entries of one Ready. Only the apply
	// goroutine calls it. Upstream: applyAll.
	ApplyAllFunc func(entries []*raftpb.Entry)

	// ApplyEntryFunc applies one normal entry and hands its result to the
	// waiting request. Upstream: applyEntryNormal.
	ApplyEntryFunc func(e *raftpb.Entry)

	// ApplyFunc executes one request on the store: txn.Put, txn.DeleteRange,
	// txn.Txn, a compaction and so on. The context derives from
	// context.Background, because the entry may come from another member or from
	// the log. Upstream: uberApplier.dispatch.
	ApplyFunc func(ctx context.Context, r *pb.InternalRaftRequest) *Result

	// RangeFunc reads a range or a chunk of it, once the wait for the read index
	// is over. Upstream: txn.Range.
	RangeFunc func(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error)

	// TxnFunc evaluates a read-only transaction, once the wait for the read
	// index is over. Upstream: txn.Txn.
	TxnFunc func(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error)

	// ReadNotifyFunc waits until the round of the read loop that the request has
	// joined is over. Upstream: LinearizableReadNotify.
	ReadNotifyFunc func(ctx context.Context, round *ReadRound) error

	// ReadRoundFunc handles one round of the read loop, from wake-up to the
	// release of its readers. Only the read loop calls it. Upstream: the body of
	// LinearizableReadLoop.
	ReadRoundFunc func(round *ReadRound)

	// ReadIndexFunc asks raft for the index that the reads of the round must
	// see. Upstream: requestCurrentIndex.
	ReadIndexFunc func(round *ReadRound) (uint64, error)

	// WaitAppliedFunc waits until the member has applied index.
	WaitAppliedFunc func(round *ReadRound, index uint64) error

	// LeaseWaitAppliedFunc waits until the member has applied what is committed
	// now. Upstream: waitAppliedIndex.
	LeaseWaitAppliedFunc func(ctx context.Context) error

	// LeaseLookupFunc returns the lease with that ID, nil if it does not exist.
	// Upstream: lessor.Lookup.
	LeaseLookupFunc func(ctx context.Context, id lease.LeaseID) *lease.Lease

	// LeaseRenewFunc restarts a lease's time to live and returns it, in seconds.
	// Upstream: lessor.Renew.
	LeaseRenewFunc func(ctx context.Context, id lease.LeaseID) (int64, error)
)

// Result is what apply made of one request. Upstream: apply.Result.
type Result struct {
	// Resp is the reply. It is nil if Err is set or if no caller waits for the
	// reply.
	Resp proto.Message
	// Err is an error that is the same on every member, such as
	// mvcc.ErrCompacted.
	Err error
	// Physc is closed when a compaction has removed its keys from the backend.
	// It is nil for all other requests.
	Physc <-chan struct{}
}

// Storage is the stable storage behind raft: the write-ahead log and the
// snapshot files. Upstream: storage.Storage.
//
// The raft loop calls Save, the apply goroutine SaveSnap and Release, both at the
// same time.
type Storage interface {
	// Save writes state and entries in one batch. Once it has returned nil, the
	// entries and a new term or vote survive a power failure. A state that differs
	// in the commit index alone need not survive it.
	Save(st *raftpb.HardState, ents []*raftpb.Entry) error
	// SaveSnap writes the snapshot file and then its marker in the log.
	SaveSnap(snap *raftpb.Snapshot) error
	// Release lets files that are older than the snapshot be purged.
	Release(snap *raftpb.Snapshot) error
	// Sync forces everything written so far to the disk.
	Sync() error
	// Close syncs and closes the log. No other method may be called after it.
	Close() error
}

// MaintenanceSeams are the places where work on the member's files can be
// wrapped. All of it runs on the request's goroutine.
type MaintenanceSeams struct {
	Hash       func(HashFunc) HashFunc
	HashByRev  func(HashByRevFunc) HashByRevFunc
	Defragment func(DefragmentFunc) DefragmentFunc
	Snapshot   func(SnapshotFunc) SnapshotFunc
}

type (
	// HashFunc returns the checksum of the whole backend, and the store's
	// revision. Upstream: mvcc's Hash.
	HashFunc func(ctx context.Context) (hash uint32, rev int64, err error)

	// HashByRevFunc returns the checksum of all keys up to a revision, which a
	// compaction may have computed, and the store's revision. Upstream: mvcc's
	// HashByRev.
	HashByRevFunc func(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error)

	// DefragmentFunc rewrites the backend's file. Upstream: backend's Defrag.
	DefragmentFunc func(ctx context.Context) error

	// SnapshotFunc opens a snapshot of the backend. Its WriteTo reads the file;
	// the caller must close it. Upstream: backend's Snapshot.
	SnapshotFunc func(ctx context.Context) backend.Snapshot
)
