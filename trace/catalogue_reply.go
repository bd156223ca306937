package trace

// replyStages lists the way from the handler's answer to the caller's.
var replyStages = []Spec{
	{
		Stage: SendMsg, Name: "grpc.sendMsg", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).sendResponse"},
		Seam:     "server/seam/desc.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Near, 500},
	},
	{
		Stage: CodecEncode, Name: "codec.encode", Parent: SendMsg, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/encoding/proto", "(*codecV2).Marshal"},
		Seam:     "server/seam/codec.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: WriteStatus, Name: "grpc.writeStatus", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "(*http2Server).writeStatus"},
		Seam:     "server/seam/stats.go",
		Begin:    EdgeSpec{Near, 500}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: Flush, Name: "grpc.flush", Parent: None, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "(*loopyWriter).run"},
		Seam:     "server/seam/conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: NetReply, Name: "net.reply", Parent: None, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "(*http2Client).reader"},
		Seam:     "server/seam/client_conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
	{
		Stage: ClientRecv, Name: "client.recv", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*ClientConn).Invoke"},
		Seam:     "server/seam/client_conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
	},
}
