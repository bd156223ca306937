package trace

// watchStages lists a Watch, and what it is made of.
var watchStages = []Spec{
	{
		Stage: V3Watch, Name: "v3rpc.Watch", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*watchServer).Watch"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: WatchCreate, Name: "watch.create", Parent: V3Watch, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*watchStream).Watch"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: WatchWait, Name: "watch.wait", Parent: V3Watch, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*serverWatchStream).sendLoop"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: WatchNotify, Name: "watch.notify", Parent: V3Watch, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*watchableStore).notify"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: WatchSend, Name: "watch.send", Parent: V3Watch, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*serverWatchStream).sendLoop"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
