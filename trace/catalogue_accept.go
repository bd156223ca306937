package trace

// acceptStages lists what a connection passes that the first issue of the path did not have.
var acceptStages = []Spec{
	{
		Stage: AcceptBackoff, Name: "net.backoff", Parent: None, Scope: ScopeConn, Kind: KindQueue,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).Serve"},
		Seam:     "server/seam/listener.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: HTTPConn, Name: "http.serve", Parent: None, Scope: ScopeConn, Kind: KindNone,
		Upstream: Symbol{"std", "net/http", "(*conn).serve"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ServeHTTP, Name: "grpc.ServeHTTP", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).ServeHTTP"},
		Seam:     "server/seam/front.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: FlowControl, Name: "grpc.flowControl", Parent: Flush, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "(*loopyWriter).processData"},
		Seam:     "server/seam/outgoing.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
