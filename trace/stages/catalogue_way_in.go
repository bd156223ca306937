package stages

// wayIn lists the stages of the way in: through the gateway, the network and the connection, up to the handler.
var wayIn = []Spec{
	{
		Stage: HTTPReadRequest, Name: "http.readRequest", Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: http.symbol("(*conn).readRequest"), Seam: "server/seam/front/http.go",
		Begin: exact, End: near(800),
		Next: []Symbol{http.symbol("(*conn).serve"), http.symbol("(*conn).readRequest"), http.symbol("readRequest")},
	},
	{
		Stage: HTTPHandler, Name: "http.handler", Scope: ScopeRequest, Kind: KindWork,
		Upstream: http.symbol("serverHandler.ServeHTTP"), Seam: "server/seam/front/http.go",
		Begin: exact, End: exact,
		Next: []Symbol{
			embed.symbol("(*accessController).ServeHTTP"),
			embed.symbol("(*serveCtx).createMux"),
			http.symbol("(*ServeMux).ServeHTTP"),
		},
	},
	{
		Stage: GatewayDecode, Name: "gateway.decode", Parent: HTTPHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: gateway.symbol("(*ServeMux).ServeHTTP"), Seam: "server/seam/front/gateway.go",
		Begin: exact, End: exact,
		Next: []Symbol{
			gateway.symbol("(*ServeMux).ServeHTTP"),
			gatewayStubs.symbol("RegisterKVHandlerClient"),
			gateway.symbol("(*JSONPb).NewDecoder"),
		},
	},
	{
		Stage: GatewayCall, Name: "gateway.call", Parent: HTTPHandler, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: grpc.symbol("(*ClientConn).Invoke"), Seam: "server/seam/front/gateway.go",
		Begin: exact, End: exact, Waits: true,
		Next: []Symbol{
			grpc.symbol("(*ClientConn).Invoke"),
			embed.symbol("(*serveCtx).registerGateway"),
			embed.symbol("(*Etcd).grpcGatewayDial"),
		},
	},
	{
		Stage: ClientDial, Name: "client.dial", Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: transport.symbol("NewHTTP2Client"), Seam: "server/seam/client/conn.go",
		Begin: exact, End: exact,
		Next: []Symbol{grpc.symbol("(*ClientConn).Connect"), grpc.symbol("(*addrConn).createTransport")},
	},
	{
		Stage: ClientSend, Name: "client.send", Scope: ScopeRequest, Kind: KindWork,
		Upstream: grpc.symbol("(*ClientConn).Invoke"), Seam: "server/seam/client/conn.go",
		Begin: exact, End: exact,
		Next: []Symbol{
			grpc.symbol("newClientStream"),
			grpc.symbol("(*clientStream).SendMsg"),
			transport.symbol("(*loopyWriter).run"),
		},
	},
	{
		Stage: NetRequest, Name: "net.request", Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: transport.symbol("(*http2Server).HandleStreams"), Seam: "server/seam/client/conn.go",
		Begin: exact, End: exact,
		Next: []Symbol{transport.symbol("(*http2Server).HandleStreams"), transport.symbol("(*framer).readFrame")},
	},
	{
		Stage: CmuxMatch, Name: "cmux.match", Scope: ScopeConn, Kind: KindNetwork,
		Upstream: cmux.symbol("(*cMux).serve"), Seam: "server/seam/front/listener.go",
		Begin: exact, End: exact,
		Next: []Symbol{cmux.symbol("(*cMux).serve"), cmux.symbol("HTTP2"), embed.symbol("(*serveCtx).serve")},
	},
	{
		Stage: AcceptBackoff, Name: "net.backoff", Scope: ScopeConn, Kind: KindQueue,
		Upstream: grpc.symbol("(*Server).Serve"), Seam: "server/seam/front/listener.go",
		Begin: exact, End: exact, Metric: "os_fd_used",
		Next: []Symbol{grpc.symbol("(*Server).Serve"), http.symbol("(*Server).Serve"), cmux.symbol("(*cMux).Serve")},
	},
	{
		Stage: NetAccept, Name: "net.accept", Scope: ScopeConn, Kind: KindWork,
		Upstream: grpc.symbol("(*Server).Serve"), Seam: "server/seam/front/listener.go",
		Begin: exact, End: exact, Metric: "os_fd_used",
		Next: []Symbol{grpc.symbol("(*Server).Serve"), grpc.symbol("(*Server).handleRawConn"), net.symbol("(*netFD).accept")},
	},
	{
		Stage: HandleRawConn, Name: "grpc.handleRawConn", Scope: ScopeConn, Kind: KindWork,
		Upstream: grpc.symbol("(*Server).handleRawConn"), Seam: "server/seam/front/handshake.go",
		Begin: near(400), End: near(3200),
		Next: []Symbol{
			grpc.symbol("(*Server).handleRawConn"),
			grpc.symbol("(*Server).newHTTP2Transport"),
			grpc.symbol("(*Server).addConn"),
		},
	},
	{
		Stage: TLSHandshake, Name: "tls.handshake", Parent: HandleRawConn, Scope: ScopeConn, Kind: KindNetwork,
		Upstream: credentials.symbol("(*tlsCreds).ServerHandshake"), Seam: "server/seam/front/handshake.go",
		Begin: exact, End: exact,
		Next: []Symbol{credentials.symbol("(*tlsCreds).ServerHandshake"), tls.symbol("(*Conn).Handshake")},
	},
	{
		Stage: NewHTTP2Transport, Name: "grpc.newHTTP2Transport", Parent: HandleRawConn, Scope: ScopeConn, Kind: KindNetwork,
		Upstream: grpc.symbol("(*Server).newHTTP2Transport"), Seam: "server/seam/front/handshake.go",
		Begin: near(900), End: exact,
		Next: []Symbol{transport.symbol("NewServerTransport"), transport.symbol("newLoopyWriter")},
	},
	{
		Stage: ServeStreams, Name: "grpc.serveStreams", Scope: ScopeConn,
		Upstream: grpc.symbol("(*Server).serveStreams"), Seam: "server/seam/front/stats.go",
		Begin: near(2400), End: near(1800),
		Next: []Symbol{
			grpc.symbol("(*Server).serveStreams"),
			transport.symbol("(*http2Server).HandleStreams"),
			transport.symbol("(*http2Server).keepalive"),
		},
	},
	{
		Stage: HTTPConn, Name: "http.serve", Scope: ScopeConn,
		Upstream: http.symbol("(*conn).serve"), Seam: "server/seam/front/http.go",
		Begin: near(2000), End: near(1000),
		Next: []Symbol{http.symbol("(*conn).serve"), embed.symbol("(*serveCtx).createMux")},
	},
	{
		Stage: OperateHeaders, Name: "grpc.operateHeaders", Scope: ScopeRequest, Kind: KindWork,
		Upstream: transport.symbol("(*http2Server).operateHeaders"), Seam: "server/seam/front/context.go",
		Begin: near(5500), End: near(3200),
		Next: []Symbol{
			transport.symbol("(*http2Server).operateHeaders"),
			transport.symbol("(*http2Server).writeEarlyAbort"),
			tap.symbol("ServerInHandle"),
		},
	},
	{
		Stage: StartHandler, Name: "grpc.startHandler", Scope: ScopeRequest, Kind: KindQueue,
		Upstream: grpc.symbol("(*Server).serveStreams"), Seam: "server/seam/front/context.go",
		Begin: near(3200), End: near(400),
		Next: []Symbol{
			grpc.symbol("(*Server).serveStreams"),
			grpc.symbol("(*atomicSemaphore).acquire"),
			grpc.symbol("(*Server).serverWorker"),
		},
	},
	{
		Stage: ServeHTTP, Name: "grpc.ServeHTTP", Scope: ScopeRequest, Kind: KindWork,
		Upstream: grpc.symbol("(*Server).ServeHTTP"), Seam: "server/seam/front/servehttp.go",
		Begin: near(1000), End: near(1000),
		Next: []Symbol{
			grpc.symbol("(*Server).ServeHTTP"),
			transport.symbol("NewServerHandlerTransport"),
			embed.symbol("grpcHandlerFunc"),
		},
	},
	{
		Stage: HandleStream, Name: "grpc.handleStream", Scope: ScopeRequest, Kind: KindWork,
		Upstream: grpc.symbol("(*Server).handleStream"), Seam: "server/seam/front/context.go",
		Begin: near(400), End: near(300),
		Next: []Symbol{grpc.symbol("(*Server).handleStream"), grpc.symbol("(*Server).handleMalformedMethodName")},
	},
	{
		Stage: ProcessRPC, Name: "grpc.processRPC", Parent: HandleStream, Scope: ScopeRequest, Kind: KindWork,
		Upstream: grpc.symbol("(*Server).processRPC"), Seam: "server/seam/front/stats.go",
		Begin: near(300), End: exact, Hold: HoldRequest,
		Next: []Symbol{grpc.symbol("(*Server).processRPC"), grpc.symbol("(*Server).wrapUnaryHandler")},
	},
	{
		Stage: RecvMsg, Name: "grpc.recvMsg", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: grpc.symbol("(*serverStream).RecvMsg"), Seam: "server/seam/front/desc.go",
		Begin: exact, End: exact, Hold: HoldRequest, Metric: "etcd_network_client_grpc_received_bytes_total",
		Next: []Symbol{
			grpc.symbol("(*serverStream).RecvMsg"),
			grpc.symbol("recvAndDecompress"),
			transport.symbol("(*http2Server).handleData"),
		},
	},
	{
		Stage: CodecDecode, Name: "codec.decode", Parent: RecvMsg, Scope: ScopeRequest, Kind: KindWork,
		Upstream: protoCodec.symbol("(*codecV2).Unmarshal"), Seam: "server/seam/front/desc.go",
		Begin: exact, End: exact, Metric: "etcd_network_client_grpc_received_bytes_total",
		Next: []Symbol{protoCodec.symbol("(*codecV2).Unmarshal"), proto.symbol("Unmarshal"), v3rpc.symbol("(*codec).Unmarshal")},
	},
	{
		Stage: Interceptors, Name: "grpc.interceptors", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindWork,
		Upstream: grpc.symbol("chainUnaryInterceptors"), Seam: "server/seam/front/handlers.go",
		Begin: exact, End: exact, Hold: HoldRequest, Metric: "grpc_server_handling_seconds",
		Next: []Symbol{
			grpc.symbol("chainUnaryInterceptors"),
			grpc.symbol("chainStreamInterceptors"),
			v3rpc.symbol("newUnaryInterceptor"),
		},
	},
}
