package trace

// raftStages lists the way from the handler to the committed entry.
var raftStages = []Spec{
	{
		Stage: RaftRequest, Name: "etcdserver.raftRequest", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).raftRequest"},
		Seam:     "server/seam/request.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ProcessOnce, Name: "etcdserver.processInternalRaftRequestOnce", Parent: RaftRequest, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).processInternalRaftRequestOnce"},
		Seam:     "server/seam/request.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0}, Waits: true,
	},
	{
		Stage: RaftPropose, Name: "raft.propose", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/raft/v3", "go.etcd.io/raft/v3", "(*node).Propose"},
		Seam:     "server/seam/node.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: RaftWaitReady, Name: "raft.waitReady", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/raft/v3", "go.etcd.io/raft/v3", "(*node).run"},
		Seam:     "server/seam/node.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Near, 1000},
	},
	{
		Stage: RaftReplicate, Name: "raft.replicate", Parent: ProcessOnce, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp", "(*Transport).Send"},
		Absent:   Pair{EN: "one member: there is nobody to send to", ZH: "只有一个成员：没有别人可发"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: PeerSend, Name: "peer.send", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp", "(*peer).send"},
		Absent:   Pair{EN: "one member: there is nobody to send to", ZH: "只有一个成员：没有别人可发"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: PeerAppend, Name: "peer.append", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/raft/v3", "go.etcd.io/raft/v3", "(*raft).handleAppendEntries"},
		Absent:   Pair{EN: "one member: there is nobody to append", ZH: "只有一个成员：没有别人要追加日志"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: PeerAck, Name: "peer.ack", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: Symbol{"go.etcd.io/raft/v3", "go.etcd.io/raft/v3", "(*raft).Step"},
		Absent:   Pair{EN: "one member: there is nobody to acknowledge", ZH: "只有一个成员：没有别人来确认"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: WALSave, Name: "wal.save", Parent: ProcessOnce, Scope: ScopeBatch, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/wal", "(*WAL).Save"},
		Seam:     "server/seam/storage.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: WALSync, Name: "wal.sync", Parent: WALSave, Scope: ScopeBatch, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/wal", "(*WAL).sync"},
		Seam:     "server/seam/storage.go",
		Begin:    EdgeSpec{Near, 2000}, End: EdgeSpec{Near, 2000},
	},
	{
		Stage: RaftCommit, Name: "raft.commit", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindConsensus,
		Upstream: Symbol{"go.etcd.io/raft/v3", "go.etcd.io/raft/v3", "(*raft).maybeCommit"},
		Seam:     "server/seam/node.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Near, 1000},
	},
}
