package trace

// readStages lists how a read finds out that it may answer.
var readStages = []Spec{
	{
		Stage: ReadWait, Name: "read.wait", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).linearizableReadNotify"},
		Seam:     "server/seam/read.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ReadIndex, Name: "read.index", Parent: GRPCHandler, Scope: ScopeBatch, Kind: KindConsensus,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).requestCurrentIndex"},
		Seam:     "server/seam/read.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ReadWaitApplied, Name: "read.waitApplied", Parent: GRPCHandler, Scope: ScopeBatch, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/pkg/v3", "go.etcd.io/etcd/pkg/v3/wait", "(*timeList).Wait"},
		Seam:     "server/seam/read.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ReadRelease, Name: "read.release", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).linearizableReadLoop"},
		Seam:     "server/seam/read.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: TxnRange, Name: "txn.range", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/txn", "Range"},
		Seam:     "server/seam/read.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
