package etcdserver

import (
	"context"
	"fmt"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/pkg/v3/traceutil"
	"go.etcd.io/etcd/pkg/v3/wait"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

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
