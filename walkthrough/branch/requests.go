package branch

import "glasskv/trace"

var requests = []Branch{
	{
		Name: "stream-quota", Stage: trace.OperateHeaders, Story: "too_many_streams",
		Upstream: []string{http2Side + "operateHeaders", grpcPkg + "MaxConcurrentStreams"},
		EN: Text{
			Title:  "more streams than the connection may have",
			What:   "The server has said in its SETTINGS how many requests one connection may have under way. A client that keeps to it waits; one that does not gets RST_STREAM for the stream that is too many. operateHeaders decides that, before the tap and before any handler.",
			Client: "Unavailable: the stream was reset with REFUSED_STREAM, so it is safe to send it again",
			Look:   "grpc.operateHeaders and grpc.flush, nothing between; the outcome is refused",
		},
		ZH: Text{
			Title:  "stream 数超过连接的上限",
			What:   "服务端在 SETTINGS 里声明了一条连接上最多同时有多少请求。守规矩的客户端会等待；不守规矩的，多出来的 stream 会收到 RST_STREAM。这是 operateHeaders 决定的，早于 tap，也早于任何 handler。",
			Client: "Unavailable：stream 被 REFUSED_STREAM 重置，可以放心重发",
			Look:   "只有 grpc.operateHeaders 和 grpc.flush，中间什么都没有；结局是 refused",
		},
	},
	{
		Name: "goroutine-per-stream", Stage: trace.StartHandler, Story: "put",
		Upstream: []string{grpcServer + "serveStreams", http2Side + "HandleStreams"},
		EN: Text{
			Title:  "each stream gets a goroutine of its own",
			What:   "The goroutine that reads the connection starts a new one for every stream and goes on reading. A slow handler therefore holds up nobody else, and the order in which requests came says nothing about the order in which they are handled.",
			Client: "OK",
			Look:   "grpc.startHandler: the new goroutine waits for a processor",
		},
		ZH: Text{
			Title:  "每个 stream 一个 goroutine",
			What:   "读连接的 goroutine 为每个 stream 启动一个新的 goroutine，然后继续读。因此慢的 handler 不会拖住别人；请求到达的顺序也不代表处理的顺序。",
			Client: "OK",
			Look:   "grpc.startHandler：新的 goroutine 在等处理器",
		},
	},
	{
		Name: "stream-workers", Stage: trace.StartHandler, Story: "stream_workers",
		Upstream: []string{grpcServer + "serverWorker", grpcServer + "serveStreams", grpcPkg + "NumStreamWorkers"},
		EN: Text{
			Title:  "a stream worker handles the request",
			What:   "With NumStreamWorkers the server keeps goroutines that take streams one after the other. Their stacks have grown already, which spares the copying that a fresh goroutine pays for. The reader hands the stream over only to a worker that is free at that very moment.",
			Client: "OK",
			Look:   "grpc.startHandler is as short as a channel send; the timeline says that a worker handled it",
		},
		ZH: Text{
			Title:  "由 stream worker 处理请求",
			What:   "设置 NumStreamWorkers 后，服务端保留一组 goroutine，一个接一个地处理 stream。它们的栈已经长大，省去了新 goroutine 扩栈时的复制。stream 只会交给此刻正好空闲的 worker。",
			Client: "OK",
			Look:   "grpc.startHandler 只有一次 channel 发送那么短；时间线写明由 worker 处理",
		},
	},
	{
		Name: "workers-busy", Stage: trace.StartHandler, Story: "stream_workers",
		Upstream: []string{grpcServer + "serveStreams", grpcServer + "serverWorker"},
		EN: Text{
			Title:  "all stream workers are busy",
			What:   "The channel to the workers has no buffer. When none of them is waiting, serveStreams falls back to a goroutine for this stream alone, so workers are a saving and never a limit.",
			Client: "OK",
			Look:   "the timeline says that it got a goroutine of its own because the workers were busy",
		},
		ZH: Text{
			Title:  "stream worker 都在忙",
			What:   "通往 worker 的 channel 没有缓冲。没有 worker 在等时，serveStreams 退回老办法，为这个 stream 单独起一个 goroutine。所以 worker 只是节省，从不构成限制。",
			Client: "OK",
			Look:   "时间线写明：worker 都在忙，它得到了自己的 goroutine",
		},
	},
	{
		Name: "malformed-method", Stage: trace.HandleStream, Story: "unknown",
		Upstream: []string{grpcServer + "handleMalformedMethodName", grpcServer + "handleStream"},
		EN: Text{
			Title:  "the path is no method name",
			What:   "A method is called /service/method. A path without the two slashes is answered by handleStream before it asks for anything else, so even the stats handler hears of the trailers alone.",
			Client: "Unimplemented: malformed method name",
			Look:   "grpc.startHandler ends inferred, grpc.handleStream was not seen, and there is no grpc.processRPC",
		},
		ZH: Text{
			Title:  "路径不是合法的方法名",
			What:   "方法名形如 /service/method。路径里缺了这两个斜杠，handleStream 什么都不问就直接回绝，连 stats handler 也只能看到 trailer。",
			Client: "Unimplemented：malformed method name",
			Look:   "grpc.startHandler 的终点是推算的，看不到 grpc.handleStream，也没有 grpc.processRPC",
		},
	},
	{
		Name: "unknown-service", Stage: trace.HandleStream, Story: "unknown",
		Upstream: []string{grpcServer + "handleStream"},
		EN: Text{
			Title:  "no such service",
			What:   "handleStream looks the service up in the map that registration filled. When it is not there and no UnknownServiceHandler is set, the status is written right away.",
			Client: "Unimplemented: unknown service",
			Look:   "grpc.handleStream without grpc.processRPC: no handler was found",
		},
		ZH: Text{
			Title:  "没有这个服务",
			What:   "handleStream 在注册时填好的 map 里查服务。查不到、又没有设置 UnknownServiceHandler，就当场写出状态。",
			Client: "Unimplemented：unknown service",
			Look:   "有 grpc.handleStream，没有 grpc.processRPC：没找到 handler",
		},
	},
	{
		Name: "unknown-method", Stage: trace.HandleStream, Story: "unknown",
		Upstream: []string{grpcServer + "handleStream"},
		EN: Text{
			Title:  "the service has no such method",
			What:   "The service is known and the method is not: the same end as for an unknown service, with another text. It is what a client sees that is newer than its server.",
			Client: "Unimplemented: unknown method",
			Look:   "grpc.handleStream without grpc.processRPC: no handler was found",
		},
		ZH: Text{
			Title:  "服务里没有这个方法",
			What:   "服务认识，方法不认识：结局和未知服务一样，只是文字不同。客户端比服务端新时，看到的就是它。",
			Client: "Unimplemented：unknown method",
			Look:   "有 grpc.handleStream，没有 grpc.processRPC：没找到 handler",
		},
	},
	{
		Name: "unknown-service-handler", Stage: trace.ProcessRPC, Story: "unknown_service_handler",
		Upstream: []string{grpcPkg + "UnknownServiceHandler", grpcServer + "handleStream", grpcServer + "processRPC"},
		EN: Text{
			Title:  "a handler for everything unknown",
			What:   "With UnknownServiceHandler set, what nobody registered is not refused but given to that one handler, always as a stream in both directions. Proxies are built on it, etcd's own server does without.",
			Client: "whatever the handler answers; here it is Unimplemented with a text of its own",
			Look:   "grpc.processRPC and grpc.handler are there, although the method is registered nowhere",
		},
		ZH: Text{
			Title:  "兜底的 handler",
			What:   "设置了 UnknownServiceHandler，没人注册的方法就不再被回绝，而是交给这一个 handler，而且总是当作双向流。代理就建在它上面，etcd 的服务端没有用它。",
			Client: "由 handler 决定；这里是带有自己文字的 Unimplemented",
			Look:   "方法没在任何地方注册，却有 grpc.processRPC 和 grpc.handler",
		},
	},
}
