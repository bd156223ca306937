package trace

// leaseStages lists the lease calls that do not go through raft.
var leaseStages = []Spec{
	{
		Stage: V3LeaseKeepAlive, Name: "v3rpc.LeaseKeepAlive", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*LeaseServer).LeaseKeepAlive"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: V3LeaseTimeToLive, Name: "v3rpc.LeaseTimeToLive", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*LeaseServer).LeaseTimeToLive"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3LeaseLeases, Name: "v3rpc.LeaseLeases", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*LeaseServer).LeaseLeases"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: LeaseLookup, Name: "lease.lookup", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/lease", "(*lessor).Lookup"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: LeaseRenew, Name: "lease.renew", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/lease", "(*lessor).Renew"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
