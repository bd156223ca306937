package stages

// acceptStages lists what a connection and its requests pass on the less common
// ways: an accept that fails, net/http instead of grpc-go's transport, and a client
// that allows no more bytes.
var acceptStages = []Spec{
	{
		Stage: AcceptBackoff, Name: "net.backoff", Parent: None, Scope: ScopeConn, Kind: KindQueue,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).Serve"},
		Seam:     "server/seam/listener.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "os_fd_used",
		Next: []string{
			"google.golang.org/grpc.(*Server).Serve",
			"net/http.(*Server).Serve",
			"github.com/soheilhy/cmux.(*cMux).Serve",
		},
		EN: Text{
			Note: "Accept had failed, and the server waited to try again",
			What: "Accept can fail without the listener being broken: no file descriptor was free, in this process or in the whole system. Serve then sleeps 5 ms and tries again, and twice as long after each further failure, up to 1 s. Meanwhile nobody is accepted on this address, and new connections wait in the kernel.",
			How:  "From the first Accept that failed to the last new try, all failures in a row as one row of the connection that was accepted next; both are exact. The row says how many there were and what the last error was. cmux tries again at once instead of sleeping; GlassKV sleeps below it, by the same rule.",
			Slow: "File descriptors that are used up: \"too many open files\". The wait grows with each failure, so a connection may wait up to 1 s after descriptors are free again.",
			Do:   "Raise the limit (ulimit -n) or find out who holds so many connections. GlassKV keeps 150 descriptors back for itself, as etcd does, and stops accepting when the rest is used up.",
		},
		ZH: Text{
			Note: "Accept 失败过，服务端退避后重试",
			What: "Accept 失败不等于监听器坏了：通常是文件描述符用光，本进程的，或者整个系统的。Serve 先睡 5 ms 再试，此后每失败一次时间加倍，最长 1 s。这段时间里这个地址不接受任何人，新连接在内核里排队。",
			How:  "从第一次失败的 Accept 到最后一次重试，连续的失败合成一行，记在随后接受的那条连接上；两端都精确。这一行写明失败次数和最后一次的错误。cmux 自己不睡，立即重试；GlassKV 在它下面按同样的规则退避。",
			Slow: "文件描述符用光（too many open files）。等待时间逐次加倍，所以描述符空出来之后，连接最多还可能再等 1 s。",
			Do:   "提高上限（ulimit -n），或者查清是谁占着这么多连接。GlassKV 和 etcd 一样给自己留 150 个描述符，其余用完就暂停接受。",
		},
	},
	{
		Stage: HTTPConn, Name: "http.serve", Parent: None, Scope: ScopeConn, Kind: KindNone,
		Upstream: Symbol{"std", "net/http", "(*conn).serve"},
		Seam:     "server/seam/httpconn.go",
		Begin:    EdgeSpec{Near, 2000}, End: EdgeSpec{Near, 1000},
		Metric: "",
		Next: []string{
			"net/http.(*conn).serve",
			"go.etcd.io/etcd/server/v3/embed.(*serveCtx).createMux",
		},
		EN: Text{
			Note: "net/http serves this connection until it closes",
			What: "A client that speaks HTTP/1, or TLS with HTTP/1 on offer, is served by net/http. One goroutine reads a request, runs its handler and writes the reply, then reads the next. It lives as long as the connection and is no time in which a request waited, so the ledger leaves it out.",
			How:  "From net/http's first Read, or from the end of the TLS handshake, to Close. Both are near: the function begins a little before and ends a little after.",
			Slow: "Nothing in itself. With HTTP/1 a slow request holds up all that come after it on the same connection.",
			Do:   "Keep it open for the next request. Use gRPC where requests are many: one connection carries them side by side.",
		},
		ZH: Text{
			Note: "由 net/http 服务这条连接，直到关闭",
			What: "说 HTTP/1 的客户端，以及在 TLS 里愿意说 HTTP/1 的客户端，由 net/http 服务。一个 goroutine 读请求、跑 handler、写回复，再读下一个。它与连接同寿，请求并没有在等它，所以账本不计这段时间。",
			How:  "起点是 net/http 的第一次 Read，有 TLS 时是握手结束；终点是 Close。两端都是近似的：函数开始得略早，结束得略晚。",
			Slow: "它本身无所谓快慢。但在 HTTP/1 上，一个慢请求会挡住同一条连接上后面所有的请求。",
			Do:   "保持连接，留给下一个请求。请求多的时候改用 gRPC：一条连接可以并行跑很多请求。",
		},
	},
	{
		Stage: ServeHTTP, Name: "grpc.ServeHTTP", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*Server).ServeHTTP"},
		Seam:     "server/seam/servehttp.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Near, 1000},
		Metric: "",
		Next: []string{
			"google.golang.org/grpc.(*Server).ServeHTTP",
			"google.golang.org/grpc/internal/transport.NewServerHandlerTransport",
			"go.etcd.io/etcd/server/v3/embed.grpcHandlerFunc",
		},
		EN: Text{
			Note: "net/http read the request and handed it to grpc-go",
			What: "This is how a real etcd serves gRPC on a TLS port that it shares with HTTP. net/http goes through the handshake and speaks HTTP/2, and gives each gRPC request to grpc-go's ServeHTTP. That makes a transport for this one request: one goroutine reads the body, one runs the handler, and whatever the handler sends goes through a channel back to this goroutine to be written.",
			How:  "The call of ServeHTTP from the outside; both edges are near. There is no handleRawConn, no operateHeaders and no tap. The bytes of the request are counted nowhere, and its begin is this call: what net/http did before is not seen. The end is the next write on the connection, which may have been another request's.",
			Slow: "Everything passes more goroutines than in grpc-go's own transport. Measured side by side, puts over TLS were about half as fast this way.",
			Do:   "GlassKV serves gRPC over TLS natively unless --serve-tls-through-http is given. A client that offers HTTP/1 beside HTTP/2 in its handshake comes this way all the same: let it offer h2 alone.",
		},
		ZH: Text{
			Note: "net/http 读完请求，转交给 grpc-go",
			What: "真正的 etcd 在与 HTTP 共用的 TLS 端口上就是这样跑 gRPC 的。net/http 完成握手、处理 HTTP/2，再把每个 gRPC 请求交给 grpc-go 的 ServeHTTP。后者为这一个请求单独建一个传输层：一个 goroutine 读 body，一个跑 handler，handler 要发的东西经 channel 送回这个 goroutine 写出。",
			How:  "从外面量 ServeHTTP 这次调用，两端都是近似的。这条路上没有 handleRawConn、operateHeaders 和 tap。请求的字节数无从统计；时间线从这次调用算起，net/http 之前做了什么看不到。终点是连接上的下一次写，它也可能属于别的请求。",
			Slow: "与 grpc-go 自己的传输层相比，要多过几个 goroutine。实测对比，TLS 上的 put 走这条路大约只有一半的速度。",
			Do:   "除非给出 --serve-tls-through-http，GlassKV 的 TLS 由 grpc-go 直接处理。握手时除 h2 之外还声明支持 HTTP/1 的客户端仍会走这条路：让它只声明 h2。",
		},
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
