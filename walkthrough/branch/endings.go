package branch

import "glasskv/trace"

var endings = []Branch{
	{
		Name: "keepalive-ping", Stage: trace.ServeStreams, Story: "pings",
		Upstream: []string{http2Side + "keepalive", "google.golang.org/grpc/keepalive.ServerParameters"},
		EN: Text{
			Title:  "the client does not answer the server's ping",
			What:   "When a connection has been silent for a while, the server pings it. If no answer comes in time, the client is taken for dead: the connection is closed, and the requests on it are cancelled. etcd asks after two hours and waits 20 seconds; here it is one second and a fraction.",
			Client: "Unavailable, if it is still there to see it",
			Look:   "grpc.serveStreams ends with the request; the outcome is conn-closed",
		},
		ZH: Text{
			Title:  "客户端不回应服务端的 ping",
			What:   "连接沉默一段时间后，服务端会 ping 它。等不到回应，就认定客户端已死：关闭连接，取消上面的请求。etcd 两小时后才问，再等 20 秒；这里分别是一秒和几分之一秒。",
			Client: "Unavailable，如果它还在的话",
			Look:   "grpc.serveStreams 和请求一起结束；结局是 conn-closed",
		},
	},
	{
		Name: "too-many-pings", Stage: trace.ServeStreams, Story: "pings",
		Upstream: []string{http2Side + "handlePing", "google.golang.org/grpc/keepalive.EnforcementPolicy"},
		EN: Text{
			Title:  "the client pings too often",
			What:   "Pings cost the server something, so it counts those that come too soon after one another. At the third of them it says GOAWAY with ENHANCE_YOUR_CALM, leaves the client one second to hang up, and then closes the connection.",
			Client: "Unavailable: GOAWAY, ENHANCE_YOUR_CALM, too_many_pings",
			Look:   "the request under way was cut off; the timeline says that the server had said GOAWAY",
		},
		ZH: Text{
			Title:  "客户端 ping 得太勤",
			What:   "ping 也要花服务端的资源，所以它会数间隔太短的 ping。数到第三个，就用 ENHANCE_YOUR_CALM 发出 GOAWAY，给客户端一秒钟自己挂断，然后关闭连接。",
			Client: "Unavailable：GOAWAY，ENHANCE_YOUR_CALM，too_many_pings",
			Look:   "正在进行的请求被切断；时间线写明服务端已经发过 GOAWAY",
		},
	},
	{
		Name: "connection-age", Stage: trace.ServeStreams, Story: "connection_age",
		Upstream: []string{http2Side + "keepalive", http2Side + "Drain", "google.golang.org/grpc/keepalive.ServerParameters"},
		EN: Text{
			Title:  "the connection has become too old",
			What:   "With MaxConnectionAge the server asks a client to open another connection: first a GOAWAY for all streams that there can ever be, then, when the client has answered a ping, one with the last stream that is served. Requests under way go on until the grace is over, and a second more in which the client may hang up by itself. Load balancers live on this, etcd does not set it.",
			Client: "nothing, if the request ends within the grace; here it does not: Unavailable",
			Look:   "the timeline says that the server had said GOAWAY, and that the connection was closed",
		},
		ZH: Text{
			Title:  "连接太老了",
			What:   "设置 MaxConnectionAge 后，服务端会请客户端另开连接：先发一个面向所有 stream 的 GOAWAY，等客户端回应 ping 之后，再发一个写明最后一个会被处理的 stream。进行中的请求可以继续，直到宽限期结束，此外还有一秒钟让客户端自己挂断。负载均衡靠它，etcd 不设置它。",
			Client: "请求在宽限期内结束就毫无感觉；这里没能结束：Unavailable",
			Look:   "时间线写明服务端已经发过 GOAWAY，并且连接被关闭",
		},
	},
	{
		Name: "goaway", Stage: trace.OperateHeaders, Story: "connection_age",
		Upstream: []string{http2Side + "outgoingGoAwayHandler", http2Side + "operateHeaders"},
		EN: Text{
			Title:  "a request comes after GOAWAY",
			What:   "After its second GOAWAY the server serves no new stream of the connection. It does not refuse one either: operateHeaders drops it without a word, since the GOAWAY has said which was the last. A gRPC client sends the request again on another connection.",
			Client: "nothing; a real client tries again elsewhere and sees OK",
			Look:   "grpc.operateHeaders and no reply; the message says that the server had said GOAWAY",
		},
		ZH: Text{
			Title:  "GOAWAY 之后才来的请求",
			What:   "第二个 GOAWAY 之后，服务端不再处理这条连接上的新 stream，也不拒绝它：operateHeaders 一声不响地丢弃，因为 GOAWAY 已经说明了最后一个是谁。gRPC 客户端会换一条连接重发。",
			Client: "什么也收不到；真正的客户端会在别处重试，看到 OK",
			Look:   "只有 grpc.operateHeaders，没有回复；消息写明服务端已经发过 GOAWAY",
		},
	},
	{
		Name: "graceful-stop", Stage: trace.None, Story: "graceful_stop",
		Upstream: []string{grpcServer + "GracefulStop", http2Side + "Drain"},
		EN: Text{
			Title:  "GracefulStop with a request under way",
			What:   "The listeners are closed, each connection gets GOAWAY, and the server waits until the last handler has returned. A handler that never returns would hold it up for ever, so a node gives it a time and then stops hard.",
			Client: "OK: the request is brought to its end",
			Look:   "an ordinary timeline, which says that the server had said GOAWAY",
		},
		ZH: Text{
			Title:  "GracefulStop 时还有请求",
			What:   "关闭监听器，向每条连接发 GOAWAY，然后等最后一个 handler 返回。永远不返回的 handler 会把它永远拖住，所以节点给它一个时限，到时就强行停止。",
			Client: "OK：请求会做完",
			Look:   "普通的时间线，只是写明服务端已经发过 GOAWAY",
		},
	},
	{
		Name: "stop", Stage: trace.None, Story: "stop_hard",
		Upstream: []string{grpcServer + "Stop", http2Side + "Close"},
		EN: Text{
			Title:  "Stop with a request under way",
			What:   "All connections are closed at once and the contexts of all requests end. A handler that looks at its context returns soon; the server waits for it, because a handler must not outlive the store that it reads.",
			Client: "Unavailable: the connection is gone",
			Look:   "no grpc.flush, for no reply was written; the outcome is stopping",
		},
		ZH: Text{
			Title:  "Stop 时还有请求",
			What:   "所有连接立刻关闭，所有请求的 context 都结束。会看 context 的 handler 很快返回；服务端会等它，因为 handler 不能比它要读的存储活得更久。",
			Client: "Unavailable：连接没了",
			Look:   "没有 grpc.flush，因为没写出回复；结局是 stopping",
		},
	},
}
