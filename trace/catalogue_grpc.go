package trace

// grpcStages lists the way from the frame that was read to the handler.
var grpcStages = []Spec{
	{
		Stage: OperateHeaders, Name: "grpc.operateHeaders", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "(*http2Server).operateHeaders"},
		Seam:     "server/seam/tap.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Near, 1000},
	},
	{
		Stage: StartHandler, Name: "grpc.startHandler", Parent: None, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).serveStreams"},
		Seam:     "server/seam/tap.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: HandleStream, Name: "grpc.handleStream", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).handleStream"},
		Seam:     "server/seam/context.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Near, 2000},
	},
	{
		Stage: ProcessRPC, Name: "grpc.processRPC", Parent: HandleStream, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).processRPC"},
		Seam:     "server/seam/stats.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: RecvMsg, Name: "grpc.recvMsg", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*serverStream).RecvMsg"},
		Seam:     "server/seam/desc.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: CodecDecode, Name: "codec.decode", Parent: RecvMsg, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/encoding/proto", "(*codecV2).Unmarshal"},
		Seam:     "server/seam/codec.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: Interceptors, Name: "grpc.interceptors", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "chainUnaryInterceptors"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Put, Name: "v3rpc.Put", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*kvServer).Put"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Range, Name: "v3rpc.Range", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*kvServer).Range"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3DeleteRange, Name: "v3rpc.DeleteRange", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*kvServer).DeleteRange"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Txn, Name: "v3rpc.Txn", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*kvServer).Txn"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3Compact, Name: "v3rpc.Compact", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*kvServer).Compact"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3LeaseGrant, Name: "v3rpc.LeaseGrant", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*LeaseServer).LeaseGrant"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: V3LeaseRevoke, Name: "v3rpc.LeaseRevoke", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*LeaseServer).LeaseRevoke"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: GRPCHandler, Name: "grpc.handler", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "MethodHandler"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
