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

// Seams are the places of the path where behaviour can be wrapped without
// editing the path itself. Each field takes the plain part and returns what
// the server uses instead: something that observes it, delays it or makes it
// fail. A nil field leaves the plain part alone, so the zero value is the plain
// server with no wrapper anywhere.
//
// NewServer calls the functions in wiring.go, before any goroutine of
// the server runs; what the functions return must be safe for the concurrency
// that its type describes.
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

	// RaftRequest, ProcessOnce: the proposal, on the request's goroutine.
	RaftRequest func(RaftRequestFunc) RaftRequestFunc
	ProcessOnce func(ProcessOnceFunc) ProcessOnceFunc

	// ReqTimeout: how long the server itself lets a request take.
	ReqTimeout func(ReqTimeoutFunc) ReqTimeoutFunc

	// Ready: the raft loop.
	Ready func(ReadyFunc) ReadyFunc

	// ApplyAll, ApplyEntry, Apply: the apply goroutine, from the outside in.
	ApplyAll   func(ApplyAllFunc) ApplyAllFunc
	ApplyEntry func(ApplyEntryFunc) ApplyEntryFunc
	Apply      func(ApplyFunc) ApplyFunc

	// Range, Txn: the reading itself, on the request's goroutine. Range is put
	// around a whole range and, in another place, around one chunk of many.
	Range func(RangeFunc) RangeFunc
	Txn   func(TxnFunc) TxnFunc

	// ReadNotify: a reader's wait, on the request's goroutine.
	ReadNotify func(ReadNotifyFunc) ReadNotifyFunc
	// ReadRound, ReadIndex, WaitApplied: the read loop, from the outside in.
	ReadRound   func(ReadRoundFunc) ReadRoundFunc
	ReadIndex   func(ReadIndexFunc) ReadIndexFunc
	WaitApplied func(WaitAppliedFunc) WaitAppliedFunc

	// Maintenance: work on the member's files.
	Maintenance MaintenanceSeams

	// LeaseWaitApplied, LeaseLookup, LeaseRenew: what does not go through the log,
	// on the goroutine of a lease's stream or request.
	LeaseWaitApplied func(LeaseWaitAppliedFunc) LeaseWaitAppliedFunc
	LeaseLookup      func(LeaseLookupFunc) LeaseLookupFunc
	LeaseRenew       func(LeaseRenewFunc) LeaseRenewFunc
}

type (
	// RaftRequestFunc takes a request through raft and returns the reply that
	// apply made for it, or apply's error. It stands for raftRequest.
	RaftRequestFunc func(ctx context.Context, r *pb.InternalRaftRequest) (proto.Message, error)

	// ProcessOnceFunc gives a request its ID, proposes it and waits for its
	// result. The error is the proposal's, Result.Err is apply's. It stands
	// for processInternalRaftRequestOnce.
	ProcessOnceFunc func(ctx context.Context, r *pb.InternalRaftRequest) (*Result, error)

	// ReqTimeoutFunc returns how long one proposal, or one read index, may take
	// from now on. It is asked once for each and stands for Config.ReqTimeout. A
	// wrapper may give more time to requests that are looked at.
	ReqTimeoutFunc func() time.Duration

	// ReadyFunc takes one Ready from its receipt to Advance. An error means
	// that the Ready is not durable and stops the member. It is called by one
	// goroutine only, the raft loop, and stands for the body of that loop.
	ReadyFunc func(rd raft.Ready) error

	// ApplyAllFunc applies the committed entries of one Ready. It is the
	// scheduled job, called by one goroutine only. It stands for applyAll.
	ApplyAllFunc func(entries []*raftpb.Entry)

	// ApplyEntryFunc applies one normal entry and hands its result to the
	// waiting request. It stands for applyEntryNormal.
	ApplyEntryFunc func(e *raftpb.Entry)

	// ApplyFunc executes one request on the store: txn.Put, txn.DeleteRange,
	// txn.Txn, a compaction and so on. It stands for uberApplier.dispatch. The
	// context derives from context.Background, for an entry may well come from
	// another member or from the log.
	ApplyFunc func(ctx context.Context, r *pb.InternalRaftRequest) *Result

	// RangeFunc reads, after the wait for the read index is over. It stands
	// for txn.Range.
	RangeFunc func(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error)

	// TxnFunc evaluates a read-only transaction, after the wait for the read
	// index is over. It stands for txn.Txn.
	TxnFunc func(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error)

	// ReadNotifyFunc waits, for one request, until its round of the read loop
	// is over. It stands for LinearizableReadNotify, after the request has
	// joined the round.
	ReadNotifyFunc func(ctx context.Context, round *ReadRound) error

	// ReadRoundFunc takes one round of the read loop from wake-up to the
	// release of those who wait for it. It is called by one goroutine only.
	// It stands for the body of LinearizableReadLoop.
	ReadRoundFunc func(round *ReadRound)

	// ReadIndexFunc asks raft for the index that the round's reads must see.
	// It stands for requestCurrentIndex.
	ReadIndexFunc func(round *ReadRound) (uint64, error)

	// WaitAppliedFunc waits until the member has applied index.
	WaitAppliedFunc func(round *ReadRound, index uint64) error

	// LeaseWaitAppliedFunc waits until the member has applied what is committed
	// now. It stands for waitAppliedIndex.
	LeaseWaitAppliedFunc func(ctx context.Context) error

	// LeaseLookupFunc finds a lease; nil is none. It stands for lessor.Lookup.
	LeaseLookupFunc func(ctx context.Context, id lease.LeaseID) *lease.Lease

	// LeaseRenewFunc gives a lease its whole time again and returns it, in
	// seconds. It stands for lessor.Renew.
	LeaseRenewFunc func(ctx context.Context, id lease.LeaseID) (int64, error)
)

// Result is what apply made of one request; it stands for apply.Result.
type Result struct {
	// Resp is the reply; nil when Err is set.
	Resp proto.Message
	// Err is the error that every member arrives at alike, such as a compacted
	// revision.
	Err error
	// Physc is closed when a compaction has removed its keys from the backend.
	// It is nil for every other request.
	Physc <-chan struct{}
}

// Storage is the stable storage behind raft: the write-ahead log and the
// snapshot files beside it. It stands for storage.Storage.
type Storage interface {
	// Save writes state and entries, in one batch. When it has returned nil, new
	// entries and a new term or vote survive a power failure; a mere advance of
	// the commit index need not.
	Save(st *raftpb.HardState, ents []*raftpb.Entry) error
	// SaveSnap writes the snapshot file and then its marker in the log.
	SaveSnap(snap *raftpb.Snapshot) error
	// Release gives up what is older than the snapshot, so that it can be
	// purged.
	Release(snap *raftpb.Snapshot) error
	// Sync forces everything written so far to the disk.
	Sync() error
	// Close syncs and closes the log. No other method may be called after it.
	Close() error
}

// MaintenanceSeams are the places where work on the member's files can be
// wrapped. All run on the request's goroutine.
type MaintenanceSeams struct {
	Hash       func(HashFunc) HashFunc
	HashByRev  func(HashByRevFunc) HashByRevFunc
	Defragment func(DefragmentFunc) DefragmentFunc
	Snapshot   func(SnapshotFunc) SnapshotFunc
}

type (
	// HashFunc reads the whole backend. It stands for mvcc's Hash.
	HashFunc func(ctx context.Context) (hash uint32, rev int64, err error)

	// HashByRevFunc reads all keys up to a revision, or the checksum that a
	// compaction left. It stands for mvcc's HashByRev.
	HashByRevFunc func(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error)

	// DefragmentFunc writes the backend's file anew. It stands for backend's
	// Defrag.
	DefragmentFunc func(ctx context.Context) error

	// SnapshotFunc begins a snapshot, which is made in its WriteTo. The caller
	// closes it. It stands for backend's Snapshot.
	SnapshotFunc func(ctx context.Context) backend.Snapshot
)
