package trace

// applyStages lists the way from the committed entry to the waiting handler.
var applyStages = []Spec{
	{
		Stage: ApplyWait, Name: "apply.wait", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).run"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ApplySchedule, Name: "apply.schedule", Parent: ApplyWait, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/pkg/v3", "go.etcd.io/etcd/pkg/v3/schedule", "(*fifo).run"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ApplyQueue, Name: "apply.queue", Parent: ApplyWait, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).apply"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ApplyEntry, Name: "apply.entry", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).applyEntryNormal"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: TxnPut, Name: "txn.put", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/txn", "Put"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: TxnDeleteRange, Name: "txn.deleteRange", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/txn", "DeleteRange"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: TxnTxn, Name: "txn.txn", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/txn", "Txn"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: TxnCompact, Name: "txn.compact", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*store).Compact"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ApplyLease, Name: "apply.lease", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/lease", "(*lessor).Grant"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: MVCCBegin, Name: "mvcc.begin", Parent: TxnPut, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*store).Write"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: MVCCPut, Name: "mvcc.put", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*storeTxnWrite).Put"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: MVCCDeleteRange, Name: "mvcc.deleteRange", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*storeTxnWrite).DeleteRange"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: MVCCEnd, Name: "mvcc.end", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*storeTxnWrite).End"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: WaitTrigger, Name: "wait.trigger", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/pkg/v3", "go.etcd.io/etcd/pkg/v3/wait", "(*list).Trigger"},
		Seam:     "server/seam/wait.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Near, 1000},
	},
}
