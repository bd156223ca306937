package trace

// connStages lists what happens once per connection.
var connStages = []Spec{
	{
		Stage: NetAccept, Name: "net.accept", Parent: None, Scope: ScopeConn, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).Serve"},
		Seam:     "server/seam/listener.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: CmuxMatch, Name: "cmux.match", Parent: None, Scope: ScopeConn, Kind: KindWork,
		Upstream: Symbol{"github.com/soheilhy/cmux", "github.com/soheilhy/cmux", "(*cMux).Serve"},
		Absent:   "one port, gRPC only: nothing to tell apart yet",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: HandleRawConn, Name: "grpc.handleRawConn", Parent: None, Scope: ScopeConn, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).handleRawConn"},
		Seam:     "server/seam/conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Near, 2000},
	},
	{
		Stage: TLSHandshake, Name: "tls.handshake", Parent: HandleRawConn, Scope: ScopeConn, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/credentials", "(*tlsCreds).ServerHandshake"},
		Absent:   "no TLS yet",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: NewHTTP2Transport, Name: "grpc.newHTTP2Transport", Parent: HandleRawConn, Scope: ScopeConn, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "NewServerTransport"},
		Seam:     "server/seam/conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ServeStreams, Name: "grpc.serveStreams", Parent: None, Scope: ScopeConn, Kind: KindNone,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).serveStreams"},
		Seam:     "server/seam/stats.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
