package branch

import "glasskv/trace"

var limits = []Branch{
	{
		Name: "compression", Stage: trace.RecvMsg, Story: "compression",
		Upstream: []string{grpcServer + "processRPC", "google.golang.org/grpc/encoding.RegisterCompressor", grpcPkg + "prepareMsg"},
		EN: Text{
			Title:  "the messages are compressed",
			What:   "The client names an encoding in its headers and compresses each message. If the server has that compressor, it unpacks before the codec decodes, and answers in the same encoding; if not, the call is refused with Unimplemented.",
			Client: "OK",
			Look:   "the encoding stands in the headline; unpacking is part of grpc.recvMsg outside codec.decode, packing of grpc.sendMsg",
		},
		ZH: Text{
			Title:  "压缩的消息",
			What:   "客户端在请求头里写明编码，逐条压缩消息。服务端有这种压缩器，就先解压再交给编解码器，并用同样的编码回复；没有就用 Unimplemented 拒绝。",
			Client: "OK",
			Look:   "标题下写着编码；解压算在 grpc.recvMsg 里、codec.decode 之外，压缩算在 grpc.sendMsg 里",
		},
	},
	{
		Name: "message-too-large", Stage: trace.RecvMsg, Story: "too_large",
		Upstream: []string{grpcPkg + "MaxRecvMsgSize", grpcPkg + "(*parser).recvMsg", grpcPkg + "(*serverStream).RecvMsg"},
		EN: Text{
			Title:  "the request is larger than the server takes",
			What:   "Five bytes before each message say how long it is. What is above the limit is refused as soon as these are read; the rest is not waited for. The limit is max-request-bytes and half a MiB, so that between the two etcd's own and clearer error comes first.",
			Client: "ResourceExhausted: received message larger than max",
			Look:   "grpc.recvMsg without codec.decode, and no handler",
		},
		ZH: Text{
			Title:  "请求超过服务端的上限",
			What:   "每条消息前有 5 个字节写着长度。超过上限的，读到这里就被拒绝，不再等后面的内容。上限是 max-request-bytes 再加 0.5 MiB，两者之间由 etcd 自己更清楚的错误先拦下。",
			Client: "ResourceExhausted：received message larger than max",
			Look:   "有 grpc.recvMsg，没有 codec.decode，也没有 handler",
		},
	},
	{
		Name: "client-send-limit", Stage: trace.ClientSend, Story: "client_limit",
		Upstream: []string{grpcPkg + "MaxCallSendMsgSize", grpcPkg + "(*clientStream).SendMsg"},
		EN: Text{
			Title:  "the request is larger than its client sends",
			What:   "A client has a limit for what it sends as well; etcd's is 2 MiB. The message is found too large when it has been encoded. The headers have been handed to the connection by then, so the server sees a request that is reset before its message comes.",
			Client: "ResourceExhausted: trying to send message larger than max",
			Look:   "the caller waited in client.send; grpc.recvMsg on the server ends without a message",
		},
		ZH: Text{
			Title:  "请求超过客户端自己的上限",
			What:   "客户端对自己发送的大小也有上限，etcd 的是 2 MiB。消息编码之后才发现太大，这时请求头已经交给了连接，所以服务端看到的是一个消息没到就被重置的请求。",
			Client: "ResourceExhausted：trying to send message larger than max",
			Look:   "调用者等在 client.send；服务端的 grpc.recvMsg 没有收到消息就结束了",
		},
	},
	{
		Name: "flow-control", Stage: trace.FlowControl, Story: "flow_control",
		Upstream: []string{writer + "processData", writer + "incomingWindowUpdateHandler"},
		EN: Text{
			Title:  "the client's window is used up",
			What:   "HTTP/2 lets a client bound how much may be sent to it. The reply is ready and queued, but loopyWriter puts the stream aside until the client has given back what it consumed.",
			Client: "OK, later",
			Look:   "grpc.flowControl inside grpc.flush: the time between the DATA that emptied the window and the next",
		},
		ZH: Text{
			Title:  "客户端的窗口用尽",
			What:   "HTTP/2 允许客户端限制对方能发来多少。回复已经备好、排上了队，但 loopyWriter 只能把这个 stream 放到一边，等客户端把消费掉的额度还回来。",
			Client: "OK，只是晚到",
			Look:   "grpc.flush 里的 grpc.flowControl：从用尽窗口的 DATA，到下一个 DATA",
		},
	},
}
