package branch

import "glasskv/trace"

var handlers = []Branch{
	{
		Name: "unary", Stage: trace.ProcessRPC, Story: "put",
		Upstream: []string{grpcServer + "wrapUnaryHandler", grpcServer + "processRPC"},
		EN: Text{
			Title:  "one message there, one back",
			What:   "In this version of grpc-go a unary call is a stream as well: processRPC wraps its handler so that it receives one message, passes the unary chain and sends one message. Older sources and texts have a function processUnaryRPC for it.",
			Client: "OK",
			Look:   "grpc.recvMsg and grpc.sendMsg once each, the chain and the handler between them",
		},
		ZH: Text{
			Title:  "一问一答",
			What:   "在这个版本的 grpc-go 里，unary 调用也是流：processRPC 把 handler 包装成“收一条消息，走完 unary 拦截器链，发一条消息”。旧的源码和文章里，对应的函数叫 processUnaryRPC。",
			Client: "OK",
			Look:   "grpc.recvMsg 和 grpc.sendMsg 各一次，中间是拦截器链和 handler",
		},
	},
	{
		Name: "server-stream", Stage: trace.SendMsg, Story: "streams",
		Upstream: []string{grpcPkg + "(*serverStream).SendMsg", grpcServer + "processRPC"},
		EN: Text{
			Title:  "one message there, many back",
			What:   "The client sends one message and the handler as many as it likes, each with a SendMsg of its own; etcd's Snapshot is of this kind. The call ends when the handler returns.",
			Client: "the messages in order, then OK",
			Look:   "one grpc.recvMsg, a grpc.sendMsg for each message, all inside the handler",
		},
		ZH: Text{
			Title:  "一问多答",
			What:   "客户端发一条消息，handler 想发多少条就发多少条，每条一次 SendMsg；etcd 的 Snapshot 就是这一类。handler 返回，调用就结束。",
			Client: "按顺序收到消息，然后是 OK",
			Look:   "一次 grpc.recvMsg，每条消息一次 grpc.sendMsg，都在 handler 里面",
		},
	},
	{
		Name: "client-stream", Stage: trace.RecvMsg, Story: "streams",
		Upstream: []string{grpcPkg + "(*serverStream).RecvMsg", grpcServer + "processRPC"},
		EN: Text{
			Title:  "many messages there, one back",
			What:   "The client sends as many messages as it likes and then closes its direction; RecvMsg returns io.EOF, and the handler sends its one reply. No service of etcd's is of this kind, so a service for practice plays it.",
			Client: "one reply, then OK",
			Look:   "a grpc.recvMsg for each message and one more, which found the end",
		},
		ZH: Text{
			Title:  "多问一答",
			What:   "客户端想发多少条消息就发多少条，然后关闭自己的方向；RecvMsg 返回 io.EOF，handler 发出唯一的回复。etcd 没有这一类服务，这里由练习用的服务来演示。",
			Client: "一条回复，然后是 OK",
			Look:   "每条消息一次 grpc.recvMsg，外加一次读到结尾的",
		},
	},
	{
		Name: "bidi-stream", Stage: trace.RecvMsg, Story: "streams",
		Upstream: []string{grpcPkg + "(*serverStream).RecvMsg", grpcPkg + "(*serverStream).SendMsg"},
		EN: Text{
			Title:  "messages in both directions",
			What:   "Both sides send when they like; one goroutine may receive while another one sends. etcd's Watch and LeaseKeepAlive are of this kind, and live as long as their client wants them to.",
			Client: "replies as they come, then OK",
			Look:   "grpc.recvMsg and grpc.sendMsg in turns; most of the time is waiting in grpc.recvMsg for the client",
		},
		ZH: Text{
			Title:  "双向流",
			What:   "两边都随时可以发；一个 goroutine 在收，另一个可以同时在发。etcd 的 Watch 和 LeaseKeepAlive 属于这一类，客户端要它们活多久就活多久。",
			Client: "回复随到随收，最后是 OK",
			Look:   "grpc.recvMsg 和 grpc.sendMsg 交替出现；大部分时间是 grpc.recvMsg 在等客户端",
		},
	},
	{
		Name: "interceptor-refuses", Stage: trace.Interceptors, Story: "interceptor_refuses",
		Upstream: []string{grpcPkg + "chainUnaryInterceptors", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc.newUnaryInterceptor"},
		EN: Text{
			Title:  "an interceptor refuses the request",
			What:   "Interceptors stand in a chain before the handler. One that returns an error instead of calling the next ends the request there. etcd refuses in this place a client that insists on a leader while there is none, or whose version is no text, as here.",
			Client: "InvalidArgument: etcdserver: invalid client api version",
			Look:   "grpc.interceptors with no handler inside it; the message had been received and decoded before",
		},
		ZH: Text{
			Title:  "被拦截器拒绝",
			What:   "handler 之前是一串拦截器。其中一个不调用下一个、直接返回错误，请求就到此为止。etcd 在这里拒绝两种客户端：没有 leader 却坚持要有 leader 的，以及版本号不是合法文本的（这里演示的）。",
			Client: "InvalidArgument：etcdserver: invalid client api version",
			Look:   "grpc.interceptors 里面没有 handler；在此之前消息已经收完并解码",
		},
	},
	{
		Name: "handler-panic", Stage: trace.GRPCHandler, Story: "panic",
		Upstream: []string{grpcServer + "wrapUnaryHandler", "google.golang.org/grpc.(*Server).processRPC"},
		EN: Text{
			Title:  "a handler panics",
			What:   "grpc-go recovers nothing: a panic in a handler ends the process, and with it everybody else's requests. GlassKV has an interceptor that turns it into one failed request and writes the stack to the log.",
			Client: "Internal: the handler panicked",
			Look:   "grpc.handler ends where it panicked; the timeline says that it did, and the next request is served as ever",
		},
		ZH: Text{
			Title:  "handler 发生 panic",
			What:   "grpc-go 不做 recover：handler 里的 panic 会结束整个进程，连带所有人的请求。GlassKV 用一个拦截器把它变成一次失败的请求，并把栈写进日志。",
			Client: "Internal：handler panicked",
			Look:   "grpc.handler 在 panic 处结束；时间线写明发生了 panic，下一个请求照常处理",
		},
	},
}
