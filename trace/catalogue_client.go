package trace

// clientStages lists what our own client adds in front of the server's stages.
var clientStages = []Spec{
	{
		Stage: ClientDial, Name: "client.dial", Parent: None, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "NewClient"},
		Seam:     "server/seam/client.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ClientSend, Name: "client.send", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*ClientConn).Invoke"},
		Seam:     "server/seam/client_conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: NetRequest, Name: "net.request", Parent: None, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "(*http2Server).HandleStreams"},
		Seam:     "server/seam/client_conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
