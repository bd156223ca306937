package trace

// maintenanceStages lists the calls about the member and its files.
var maintenanceStages = []Spec{
	{
		Stage: V3MemberList, Name: "v3rpc.MemberList", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*ClusterServer).MemberList"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Status, Name: "v3rpc.Status", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*maintenanceServer).Status"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Alarm, Name: "v3rpc.Alarm", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*maintenanceServer).Alarm"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Hash, Name: "v3rpc.Hash", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*maintenanceServer).Hash"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3HashKV, Name: "v3rpc.HashKV", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*maintenanceServer).HashKV"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Defragment, Name: "v3rpc.Defragment", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*maintenanceServer).Defragment"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Snapshot, Name: "v3rpc.Snapshot", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*maintenanceServer).Snapshot"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Auth, Name: "v3rpc.Auth", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*AuthServer).AuthStatus"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: BackendHash, Name: "backend.hash", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/backend", "(*backend).Hash"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: MVCCHashKV, Name: "mvcc.hashKV", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*store).hashByRev"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: BackendDefrag, Name: "backend.defrag", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/backend", "(*backend).Defrag"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: BackendSnapshot, Name: "backend.snapshot", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/backend", "(*snapshot).WriteTo"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
