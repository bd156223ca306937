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
		Seam:     "server/seam/flowcontrol.go",
		Begin:    EdgeSpec{Inferred, 0}, End: EdgeSpec{Inferred, 0},
		Next: []string{
			"google.golang.org/grpc/internal/transport.(*loopyWriter).processData",
			"google.golang.org/grpc/internal/transport.(*loopyWriter).incomingWindowUpdateHandler",
			"google.golang.org/grpc/internal/transport.(*loopyWriter).applySettings",
		},
		EN: Text{
			Note: "the reply waited until its client allowed more bytes",
			What: "HTTP/2 lets a receiver bound what may be sent to it: 65,535 bytes at first, for each stream and for the whole connection. DATA uses both windows up, and the client gives back with WINDOW_UPDATE what it has consumed. When a window is empty the writer puts the stream aside, although the reply is ready.",
			How:  "We read the frames of both directions and do the same sums. The row begins with the DATA frame that used a window up and ends with the next DATA frame of the stream. That is worked out from frames, not from the writer's own state: inferred. In a stream whose handler is still sending, grpc.sendMsg waits and no such row is shown.",
			Slow: "A client that does not read, or reads slowly; large replies over a long way, where the window is smaller than what fits on the wire; one large reply that uses up the connection's window for all others.",
			Do:   "Look at the client first. Raise its windows (grpc.WithInitialWindowSize, WithInitialConnWindowSize), read in pages (--limit), or keep large ranges on a connection of their own.",
		},
		ZH: Text{
			Note: "回复在等客户端放出更多窗口",
			What: "HTTP/2 允许接收方限制对方能发多少：每个 stream、整条连接，起初各 65,535 字节。DATA 消耗这两个窗口，客户端消费掉数据后用 WINDOW_UPDATE 还回来。窗口用尽时，即使回复已经备好，写循环也只能先把这个 stream 放到一边。",
			How:  "我们读两个方向的 frame，做同样的加减法。起点是把窗口用尽的那个 DATA frame，终点是这个 stream 的下一个 DATA frame。这是由 frame 推算的，看不到写循环自己的状态：推算。handler 还在发送的流里，等待的是 grpc.sendMsg，不显示这一行。",
			Slow: "客户端不读或者读得慢；远距离传大回复，窗口小于链路能容纳的数据量；一个大回复占满了整条连接的窗口，其他回复也得等。",
			Do:   "先看客户端。调大它的窗口（grpc.WithInitialWindowSize、WithInitialConnWindowSize），分页读取（--limit），或者让大范围读取单独用一条连接。",
		},
	},
}
