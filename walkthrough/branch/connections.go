package branch

import "glasskv/trace"

var connections = []Branch{
	{
		Name: "accept-backoff", Stage: trace.AcceptBackoff, Story: "accept_backoff",
		Upstream: []string{grpcServer + "Serve"},
		EN: Text{
			Title:  "accept fails for a while",
			What:   "Accept returns an error that calls itself temporary, such as too many open files. Serve does not give up: it waits 5 ms, then twice as long after each further failure up to one second, and tries again. Connections queue in the kernel meanwhile.",
			Client: "nothing but delay: the kernel has accepted the connection long ago",
			Look:   "net.backoff before net.accept, once, with the number of attempts",
		},
		ZH: Text{
			Title:  "accept 连续失败",
			What:   "Accept 返回自称“临时”的错误，例如打开的文件太多。Serve 不会放弃：先等 5 ms，此后每失败一次加倍，最多 1 秒，然后再试。这期间连接排在内核队列里。",
			Client: "只感到变慢：内核早就接受了这条连接",
			Look:   "net.accept 之前有一段 net.backoff，只出现一次，带有尝试次数",
		},
	},
	{
		Name: "serve-after-stop", Stage: trace.None, Story: "serve_after_stop",
		Upstream: []string{grpcServer + "Serve", grpcPkg + "ErrServerStopped"},
		EN: Text{
			Title:  "Serve is called on a stopped server",
			What:   "A server that was stopped cannot serve again. Serve closes the listener that it was given and returns ErrServerStopped at once, without a single Accept.",
			Client: "connection refused: nobody listens",
			Look:   "there is no server's part; the client's own timeline is client.dial and nothing else",
		},
		ZH: Text{
			Title:  "对已停止的服务器调用 Serve",
			What:   "停止过的服务器不能再次提供服务。Serve 关闭交给它的监听器，立刻返回 ErrServerStopped，一次 Accept 也不做。",
			Client: "connection refused：没有人在监听",
			Look:   "没有服务端的部分；客户端自己的时间线里只有 client.dial",
		},
	},
	{
		Name: "connection-timeout", Stage: trace.NewHTTP2Transport, Story: "connection_timeout",
		Upstream: []string{grpcServer + "handleRawConn", grpcServer + "newHTTP2Transport", grpcPkg + "ConnectionTimeout"},
		EN: Text{
			Title:  "a client connects and then says nothing",
			What:   "handleRawConn sets a deadline on the connection before it does anything else. A client that has not sent the preface and its SETTINGS by then is hung up on. grpc-go allows 120 seconds unless told otherwise; here it is a fraction of one.",
			Client: "the connection is closed",
			Look:   "no request: the connection has a timeline of its own, nearly all of it grpc.newHTTP2Transport",
		},
		ZH: Text{
			Title:  "客户端连上之后一言不发",
			What:   "handleRawConn 做的第一件事，就是给连接设一个期限。到期还没发来 preface 和 SETTINGS 的客户端会被挂断。grpc-go 默认给 120 秒，这里只给不到一秒。",
			Client: "连接被关闭",
			Look:   "没有请求：连接有一条自己的时间线，几乎全部是 grpc.newHTTP2Transport",
		},
	},
	{
		Name: "bogus-preface", Stage: trace.NewHTTP2Transport, Story: "bogus_preface",
		Upstream: []string{transport + "NewServerTransport", "github.com/soheilhy/cmux.(*cMux).serve"},
		EN: Text{
			Title:  "the client does not speak HTTP/2",
			What:   "Every HTTP/2 connection begins with the same 24 bytes. A client that begins otherwise, and does not speak HTTP/1 either, is hung up on: by cmux where the port is shared, as here, else by grpc-go's transport. No stats handler and no interceptor hears of it.",
			Client: "the connection is closed",
			Look:   "no request: the connection's own timeline says why it ended",
		},
		ZH: Text{
			Title:  "客户端说的不是 HTTP/2",
			What:   "每条 HTTP/2 连接都以同样的 24 个字节开头。开头不对、又不是 HTTP/1 的客户端会被挂断：端口共用时（这里就是）由 cmux 来做，否则由 grpc-go 的 transport 来做。stats handler 和拦截器都不知道它来过。",
			Client: "连接被关闭",
			Look:   "没有请求：连接自己的时间线写明了结束的原因",
		},
	},
	{
		Name: "tls", Stage: trace.TLSHandshake, Story: "tls",
		Upstream: []string{"google.golang.org/grpc/credentials.(*tlsCreds).ServerHandshake", grpcServer + "handleRawConn"},
		EN: Text{
			Title:  "a request over TLS, served by grpc-go itself",
			What:   "handleRawConn has its credentials shake hands before HTTP/2 begins; from then on everything is as without TLS, only encrypted on the wire. The deadline that handleRawConn has set covers the handshake too, in which both sides agree by ALPN to speak h2.",
			Client: "OK",
			Look:   "tls.handshake inside grpc.handleRawConn, with version and cipher; lay it beside `glasskv demo serve-http`",
		},
		ZH: Text{
			Title:  "由 grpc-go 自己处理的 TLS 请求",
			What:   "handleRawConn 先让凭证完成握手，然后才开始 HTTP/2；此后一切与不用 TLS 时相同，只是线路上的字节加了密。握手也在 handleRawConn 设的期限之内，双方在其中用 ALPN 约定使用 h2。",
			Client: "OK",
			Look:   "grpc.handleRawConn 里面的 tls.handshake，带有版本和加密套件；可以和 `glasskv demo serve-http` 并排对照",
		},
	},
	{
		Name: "tls-refused", Stage: trace.TLSHandshake, Story: "refused_handshake",
		Upstream: []string{"google.golang.org/grpc/credentials.(*tlsCreds).ServerHandshake", grpcServer + "newHTTP2Transport"},
		EN: Text{
			Title:  "a TLS handshake is refused",
			What:   "The server asks for a certificate that its own authority has signed, and the client has none. The handshake fails inside newHTTP2Transport, before a byte of HTTP/2 was exchanged.",
			Client: "Unavailable: the handshake failed, with the reason from TLS",
			Look:   "no request: the connection's own timeline ends in tls.handshake and says why",
		},
		ZH: Text{
			Title:  "TLS 握手被拒绝",
			What:   "服务端要求客户端出示由指定 CA 签发的证书，而客户端没有。握手在 newHTTP2Transport 里失败，这时还没有交换过一个 HTTP/2 字节。",
			Client: "Unavailable：握手失败，附带 TLS 给出的原因",
			Look:   "没有请求：连接自己的时间线停在 tls.handshake，并写明原因",
		},
	},
	{
		Name: "serve-http", Stage: trace.ServeHTTP, Story: "serve_http",
		Upstream: []string{grpcServer + "ServeHTTP", transport + "NewServerHandlerTransport"},
		EN: Text{
			Title:  "the same request by way of ServeHTTP, as in etcd",
			What:   "On a TLS port that it shares with HTTP, etcd lets net/http go through the handshake and speak HTTP/2, and hands each gRPC request to ServeHTTP, which makes a transport for this one request. grpc-go never sees the connection. `glasskv serve --serve-tls-through-http` does the same.",
			Client: "OK",
			Look:   "no grpc.handleRawConn, no grpc.serveStreams and no grpc.operateHeaders: http.serve and grpc.ServeHTTP stand in their place; lay it beside `glasskv demo tls`",
		},
		ZH: Text{
			Title:  "同样的请求经由 ServeHTTP，像 etcd 那样",
			What:   "在与 HTTP 共用的 TLS 端口上，etcd 让 net/http 完成握手并处理 HTTP/2，再把每个 gRPC 请求交给 ServeHTTP，由它为这一个请求造一个 transport。grpc-go 根本看不到这条连接。`glasskv serve --serve-tls-through-http` 走的就是这条路。",
			Client: "OK",
			Look:   "没有 grpc.handleRawConn、grpc.serveStreams、grpc.operateHeaders，代替它们的是 http.serve 和 grpc.ServeHTTP；可以和 `glasskv demo tls` 并排对照",
		},
	},
}
