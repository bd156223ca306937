package trace

// httpStages lists what a request passes that comes as HTTP/1: net/http, the handlers, the
// gateway; its gRPC call to ourselves passes all the other stages.
var httpStages = []Spec{
	{
		Stage: HTTPReadRequest, Name: "http.readRequest", Parent: None, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"std", "net/http", "(*conn).readRequest"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: HTTPHandler, Name: "http.handler", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"std", "net/http", "serverHandler.ServeHTTP"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: GatewayDecode, Name: "gateway.decode", Parent: HTTPHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"github.com/grpc-ecosystem/grpc-gateway/v2", "github.com/grpc-ecosystem/grpc-gateway/v2/runtime", "(*ServeMux).ServeHTTP"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: GatewayCall, Name: "gateway.call", Parent: HTTPHandler, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*ClientConn).Invoke"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Waits: true,
	},
	{
		Stage: GatewayEncode, Name: "gateway.encode", Parent: HTTPHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"github.com/grpc-ecosystem/grpc-gateway/v2", "github.com/grpc-ecosystem/grpc-gateway/v2/runtime", "ForwardResponseMessage"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: HTTPFlush, Name: "http.flush", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"std", "net/http", "(*response).finishRequest"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
