package stages

// clientStages lists what our own client adds in front of the server's stages.
var clientStages = []Spec{
	{
		Stage: ClientDial, Name: "client.dial", Parent: None, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "NewHTTP2Client"},
		Seam:     "server/seam/client_conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "",
		Next: []string{
			"google.golang.org/grpc.(*ClientConn).Connect",
			"google.golang.org/grpc.(*addrConn).createTransport",
		},
		EN: Text{
			Note: "the client opened a connection and greeted the server",
			What: "Before a first request can leave, the client needs a connection: TCP's handshake, then HTTP/2's greeting, preface and SETTINGS, in both directions. This happens once. Later requests travel on the same connection and have no such row.",
			How:  "Our own client stamps it: from the call that found no connection to the arrival of the server's SETTINGS, from when on the connection carries calls. Both edges are exact. How a foreign client connects cannot be seen from the server.",
			Slow: "Distance, for each handshake is a round trip; a slow name server; a server too busy to greet back. Where nobody listens, gRPC tries again after a pause that grows from one second.",
			Do:   "Keep one client for the life of the program instead of one per request. Seen often, this row means that some code closes clients and opens new ones.",
		},
		ZH: Text{
			Note: "客户端建立连接，与服务端互致问候",
			What: "第一个请求发出之前，得先有一条连接：先是 TCP 握手，然后双方互发 HTTP/2 的开场白（preface 和 SETTINGS）。这件事只做一次，之后的请求沿用同一条连接，也就没有这一行。",
			How:  "由我们自己的客户端打点：从发现没有连接的那次调用开始，到收到服务端的 SETTINGS（从此可以承载调用）为止，两端都精确。别的客户端如何建连，从服务端看不到。",
			Slow: "距离远（每次握手都是一个往返）、域名解析慢，或者服务端太忙、迟迟不回问候。如果端口根本没人监听，gRPC 会隔一阵重试，间隔从 1 秒起逐次拉长。",
			Do:   "整个程序共用一个客户端，不要每个请求新建一个。如果经常看到这一行，说明有代码在反复关闭、重建客户端。",
		},
	},
	{
		Stage: ClientSend, Name: "client.send", Parent: None, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc", "(*ClientConn).Invoke"},
		Seam:     "server/seam/client_conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "",
		Next: []string{
			"google.golang.org/grpc.newClientStream",
			"google.golang.org/grpc.(*clientStream).SendMsg",
			"google.golang.org/grpc/internal/transport.(*loopyWriter).run",
		},
		EN: Text{
			Note: "the client encoded the request and wrote it out",
			What: "The call begins here. gRPC picks a connection, opens a stream on it (a numbered conversation within the connection), encodes the message with protobuf and queues the frames. The connection's own writing goroutine, loopyWriter, puts them on the socket.",
			How:  "From the call (or the end of client.dial) until the return of the socket write that carried the request's last frame. Our own client stamps both, so both are exact; for foreign clients the row is missing.",
			Slow: "Large messages; a busy client, whose writing goroutine must wait for a processor; flow control, when the server takes the data up more slowly than it is sent (a stream may be 64 KiB ahead at first).",
			Do:   "Send less at once. If this row alone is long, look at the client and not at the server: take a CPU profile of it with go tool pprof.",
		},
		ZH: Text{
			Note: "客户端编码请求并写进 socket",
			What: "调用从这里开始。gRPC 选好连接，在上面开一个 stream（连接里一路带编号的对话），用 protobuf 编码消息，把 frame 排进队列；真正写 socket 的是连接自己的写 goroutine，即 loopyWriter。",
			How:  "从发起调用（有 client.dial 时从它结束算起），到带着请求最后一个 frame 的 socket 写操作返回。两端都由我们自己的客户端打点，是精确的；别的客户端没有这一行。",
			Slow: "消息太大；客户端太忙，写 goroutine 等不到处理器；或者流量控制：服务端收得比发得慢（一个 stream 起初最多只能领先 64 KiB）。",
			Do:   "一次少发一些。如果只有这一行长，该查的是客户端而不是服务端：用 go tool pprof 给客户端做 CPU 剖析。",
		},
	},
	{
		Stage: NetRequest, Name: "net.request", Parent: None, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: Symbol{"google.golang.org/grpc", "google.golang.org/grpc/internal/transport", "(*http2Server).HandleStreams"},
		Seam:     "server/seam/client_conn.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "",
		Next: []string{
			"google.golang.org/grpc/internal/transport.(*http2Server).HandleStreams",
			"google.golang.org/grpc/internal/transport.(*framer).readFrame",
		},
		EN: Text{
			Note: "the request was on its way to the server",
			What: "The bytes have left the client, and the server has not looked at them yet. In between lie two kernels, the wire, and the time until the goroutine that reads this connection is awake and has come to this frame.",
			How:  "From the return of the client's last write until gRPC reads the HEADERS frame on the server. On one machine both stamps come from one clock. Between two machines they do not: then the row is fitted into what the client waited, and its edges are marked as inferred.",
			Slow: "Distance and lost packets; on a busy server the wake-up of the reader. A single goroutine reads a connection's frames, one after another, whichever stream they belong to.",
			Do:   "Look at the path with ping and ss -ti (rtt, retrans). If the server is the busy one, spread heavy clients over several connections.",
		},
		ZH: Text{
			Note: "请求正在去服务端的路上",
			What: "字节已经离开客户端，服务端还没看到它。中间隔着两边的内核和网线，还要等读这条连接的 goroutine 醒来、轮到读这个 frame。",
			How:  "从客户端最后一次写返回，到服务端的 gRPC 读取 HEADERS frame。同一台机器上两个时间戳出自同一个时钟；两台机器则不然，这时这一行按客户端等待的时间推算摆放，两端标为“推断”。",
			Slow: "距离和丢包；服务端忙时，还有读 goroutine 的唤醒。一条连接只有一个 goroutine 读，不管 frame 属于哪个 stream，都得一个个来。",
			Do:   "用 ping 和 ss -ti（看 rtt、retrans）检查链路。如果是服务端忙，就让流量大的客户端分散到几条连接上。",
		},
	},
}
