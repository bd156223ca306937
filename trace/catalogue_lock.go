package trace

// lockStages lists locks and elections; what they are made of are requests of their own.
var lockStages = []Spec{
	{
		Stage: V3Lock, Name: "v3lock.Lock", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3lock", "(*lockServer).Lock"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: V3Unlock, Name: "v3lock.Unlock", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3lock", "(*lockServer).Unlock"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: V3Campaign, Name: "v3election.Campaign", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3election", "(*electionServer).Campaign"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: V3Proclaim, Name: "v3election.Proclaim", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3election", "(*electionServer).Proclaim"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: V3Leader, Name: "v3election.Leader", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3election", "(*electionServer).Leader"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: V3Observe, Name: "v3election.Observe", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3election", "(*electionServer).Observe"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: V3Resign, Name: "v3election.Resign", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3election", "(*electionServer).Resign"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
}
