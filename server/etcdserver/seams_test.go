package etcdserver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// journal notes what the seams see, in order.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, line)
}

// take returns what was noted since the last call.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// A write and a read pass all seams, each where the design says.
func TestSeamsSeeThePath(t *testing.T) {
	j := &journal{}
	s := startServer(t, testConfig(t, t.TempDir()), j.seams())

	j.take()
	put(t, s, "k", "v")
	wantOrder(t, j.take(),
		"raftRequest", "processOnce", "register", "propose",
		"ready", "save 1", "applyAll 1", "applyEntry", "apply", "write", "trigger")

	j.take()
	wantGet(t, s, "k", "v")
	wantOrder(t, j.take(), "readNotify", "readRound", "readIndex", "ready", "range")

	j.take()
	if _, err := s.Txn(testContext(t), &pb.TxnRequest{Success: []*pb.RequestOp{opGet("k")}}); err != nil {
		t.Fatal(err)
	}
	wantOrder(t, j.take(), "readNotify", "readRound", "txn")

	j.take()
	if _, err := s.Range(testContext(t), &pb.RangeRequest{Key: []byte("k"), Serializable: true}); err != nil {
		t.Fatal(err)
	}
	lines := j.take()
	wantOrder(t, lines, "range")
	if slices.Contains(lines, "readNotify") {
		t.Error("a serializable read waited")
	}
}

// wantOrder finds want in got, in this order; other lines may stand in between.
func wantOrder(t *testing.T, got []string, want ...string) {
	t.Helper()
	rest := got
	for _, line := range want {
		i := slices.Index(rest, line)
		if i < 0 {
			t.Fatalf("no %q where it should be in:\n%s", line, strings.Join(got, "\n"))
		}
		rest = rest[i+1:]
	}
}

// While one save is under way, fifteen writes gather. They share the next.
func TestWritesShareASave(t *testing.T) {
	const crowd = 15
	saving, release := make(chan struct{}), make(chan struct{})
	proposed := make(chan struct{}, 100)
	sizes := make(chan int, 100)
	seams := Seams{
		Node: func(n raft.Node) raft.Node { return &tellProposals{n, proposed} },
		Storage: func(st Storage) Storage {
			return &heldStorage{Storage: st, saving: saving, release: release, sizes: sizes}
		},
	}
	s := startServer(t, testConfig(t, t.TempDir()), seams)
	for len(proposed) > 0 {
		<-proposed
	}
	var clients sync.WaitGroup
	clients.Go(func() { put(t, s, "first", "v") })
	<-saving
	<-proposed
	for range crowd {
		clients.Go(func() { put(t, s, "k", "v") })
	}
	for range crowd {
		<-proposed
	}
	close(release)
	clients.Wait()
	if first, second := <-sizes, <-sizes; first != 1 || second != crowd {
		t.Errorf("saves of %d and %d entries, want 1 and %d", first, second, crowd)
	}
}

// An fsync cannot be seen by killing a process, whose writes stay in the page
// cache. So count them: one at least for each write that waits for its answer.
func TestEveryWriteIsSynced(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	before := fsyncs(t)
	for range 10 {
		put(t, s, "k", "v")
	}
	if n := fsyncs(t) - before; n < 10 {
		t.Errorf("%d fsyncs for 10 writes", n)
	}
}

func fsyncs(t *testing.T) uint64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "etcd_disk_wal_fsync_duration_seconds" {
			return f.GetMetric()[0].GetHistogram().GetSampleCount()
		}
	}
	t.Fatal("no metric for fsync")
	return 0
}

// heldStorage holds the first save of the put to "first" until it is released.
type heldStorage struct {
	Storage
	once            sync.Once
	saving, release chan struct{}
	sizes           chan int
	held            bool // belongs to the raft loop
}

func (h *heldStorage) Save(st *raftpb.HardState, ents []*raftpb.Entry) error {
	for _, e := range ents {
		if strings.Contains(string(e.Data), "first") {
			h.once.Do(func() {
				h.held = true
				close(h.saving)
				<-h.release
			})
		}
	}
	if h.held && len(ents) > 0 {
		h.sizes <- len(ents)
	}
	return h.Storage.Save(st, ents)
}

// tellProposals tells of each proposal that raft has taken.
type tellProposals struct {
	raft.Node
	c chan struct{}
}

func (n *tellProposals) Propose(ctx context.Context, data []byte) error {
	err := n.Node.Propose(ctx, data)
	n.c <- struct{}{}
	return err
}

// seams returns a wrapper for every seam that notes its call and passes it on.
func (j *journal) seams() Seams {
	return Seams{
		Node:    func(n raft.Node) raft.Node { return &notedNode{n, j} },
		Storage: func(st Storage) Storage { return &notedStorage{st, j} },
		Wait:    func(w wait.Wait) wait.Wait { return &notedWait{w, j} },
		KV:      func(kv mvcc.WatchableKV) mvcc.WatchableKV { return &notedKV{kv, j} },
		RaftRequest: func(next RaftRequestFunc) RaftRequestFunc {
			return func(ctx context.Context, r *pb.InternalRaftRequest) (proto.Message, error) {
				j.note("raftRequest")
				return next(ctx, r)
			}
		},
		ProcessOnce: func(next ProcessOnceFunc) ProcessOnceFunc {
			return func(ctx context.Context, r *pb.InternalRaftRequest) (*Result, error) {
				j.note("processOnce")
				return next(ctx, r)
			}
		},
		Ready: func(next ReadyFunc) ReadyFunc {
			return func(rd raft.Ready) error {
				j.note("ready")
				return next(rd)
			}
		},
		ApplyAll: func(next ApplyAllFunc) ApplyAllFunc {
			return func(entries []*raftpb.Entry) {
				j.note(fmt.Sprint("applyAll ", len(entries)))
				next(entries)
			}
		},
		ApplyEntry: func(next ApplyEntryFunc) ApplyEntryFunc {
			return func(e *raftpb.Entry) {
				j.note("applyEntry")
				next(e)
			}
		},
		Apply: func(next ApplyFunc) ApplyFunc {
			return func(ctx context.Context, r *pb.InternalRaftRequest) *Result {
				j.note("apply")
				return next(ctx, r)
			}
		},
		Range: func(next RangeFunc) RangeFunc {
			return func(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
				j.note("range")
				return next(ctx, r)
			}
		},
		Txn: func(next TxnFunc) TxnFunc {
			return func(ctx context.Context, r *pb.TxnRequest) (*pb.TxnResponse, error) {
				j.note("txn")
				return next(ctx, r)
			}
		},
		ReadNotify: func(next ReadNotifyFunc) ReadNotifyFunc {
			return func(ctx context.Context, round *ReadRound) error {
				j.note("readNotify")
				return next(ctx, round)
			}
		},
		ReadRound: func(next ReadRoundFunc) ReadRoundFunc {
			return func(round *ReadRound) {
				j.note("readRound")
				next(round)
			}
		},
		ReadIndex: func(next ReadIndexFunc) ReadIndexFunc {
			return func(round *ReadRound) (uint64, error) {
				j.note("readIndex")
				return next(round)
			}
		},
		WaitApplied: func(next WaitAppliedFunc) WaitAppliedFunc {
			return func(round *ReadRound, index uint64) error {
				j.note("waitApplied")
				return next(round, index)
			}
		},
	}
}

type notedNode struct {
	raft.Node
	j *journal
}

func (n *notedNode) Propose(ctx context.Context, data []byte) error {
	n.j.note("propose")
	return n.Node.Propose(ctx, data)
}

type notedStorage struct {
	Storage
	j *journal
}

func (st *notedStorage) Save(hs *raftpb.HardState, ents []*raftpb.Entry) error {
	st.j.note(fmt.Sprint("save ", len(ents)))
	return st.Storage.Save(hs, ents)
}

type notedWait struct {
	wait.Wait
	j *journal
}

func (w *notedWait) Register(id uint64) <-chan any {
	w.j.note("register")
	return w.Wait.Register(id)
}

func (w *notedWait) Trigger(id uint64, x any) {
	w.j.note("trigger")
	w.Wait.Trigger(id, x)
}

type notedKV struct {
	mvcc.WatchableKV
	j *journal
}

func (kv *notedKV) Write(trace *traceutil.Trace) mvcc.TxnWrite {
	kv.j.note("write")
	return kv.WatchableKV.Write(trace)
}
