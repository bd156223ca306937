package stages

// wayOut lists the stages of the way out: the reply, and the waits that people put in.
var wayOut = []Spec{
	{
		Stage: SendMsg, Name: "grpc.sendMsg", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindWork,
		Upstream: grpc.symbol("(*serverStream).SendMsg"), Seam: "server/seam/front/desc.go",
		Begin: exact, End: exact, Hold: HoldRequest, Metric: "etcd_network_client_grpc_sent_bytes_total",
		Next: []Symbol{grpc.symbol("(*serverStream).SendMsg"), grpc.symbol("prepareMsg"), transport.symbol("(*http2Server).write")},
	},
	{
		Stage: CodecEncode, Name: "codec.encode", Parent: SendMsg, Scope: ScopeRequest, Kind: KindWork,
		Upstream: protoCodec.symbol("(*codecV2).Marshal"), Seam: "server/seam/front/desc.go",
		Begin: exact, End: exact, Metric: "etcd_network_client_grpc_sent_bytes_total",
		Next: []Symbol{
			protoCodec.symbol("(*codecV2).Marshal"),
			proto.symbol("MarshalOptions.MarshalAppend"),
			v3rpc.symbol("(*codec).Marshal"),
		},
	},
	{
		Stage: WriteStatus, Name: "grpc.writeStatus", Parent: ProcessRPC, Scope: ScopeRequest, Kind: KindWork,
		Upstream: transport.symbol("(*http2Server).writeStatus"), Seam: "server/seam/front/stats.go",
		Begin: near(300), End: exact, Metric: "grpc_server_handled_total",
		Next: []Symbol{
			transport.symbol("(*http2Server).writeStatus"),
			transport.symbol("(*http2Server).finishStream"),
			status.symbol("FromError"),
		},
	},
	{
		Stage: Flush, Name: "grpc.flush", Scope: ScopeRequest, Kind: KindQueue,
		Upstream: transport.symbol("(*loopyWriter).run"), Seam: "server/seam/front/conn.go",
		Begin: exact, End: near(500),
		Next: []Symbol{
			transport.symbol("(*loopyWriter).run"),
			transport.symbol("(*loopyWriter).processData"),
			transport.symbol("(*bufWriter).Flush"),
		},
	},
	{
		Stage: FlowControl, Name: "grpc.flowControl", Parent: Flush, Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: transport.symbol("(*loopyWriter).processData"), Seam: "server/seam/front/flowcontrol.go",
		Begin: inferred, End: inferred,
		Next: []Symbol{
			transport.symbol("(*loopyWriter).processData"),
			transport.symbol("(*loopyWriter).incomingWindowUpdateHandler"),
			transport.symbol("(*loopyWriter).applySettings"),
		},
	},
	{
		Stage: NetReply, Name: "net.reply", Scope: ScopeRequest, Kind: KindNetwork,
		Upstream: transport.symbol("(*http2Client).reader"), Seam: "server/seam/client/conn.go",
		Begin: exact, End: exact,
		Next: []Symbol{transport.symbol("(*http2Client).reader"), transport.symbol("(*http2Client).operateHeaders")},
	},
	{
		Stage: ClientRecv, Name: "client.recv", Scope: ScopeRequest, Kind: KindWork,
		Upstream: grpc.symbol("(*ClientConn).Invoke"), Seam: "server/seam/client/conn.go",
		Begin: exact, End: exact,
		Next: []Symbol{grpc.symbol("(*clientStream).RecvMsg"), transport.symbol("(*http2Client).handleData")},
	},
	{
		Stage: GatewayEncode, Name: "gateway.encode", Parent: HTTPHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: gateway.symbol("ForwardResponseMessage"), Seam: "server/seam/front/gateway.go",
		Begin: exact, End: exact,
		Next: []Symbol{
			gateway.symbol("ForwardResponseMessage"),
			gateway.symbol("ForwardResponseStream"),
			gateway.symbol("HTTPStatusFromCode"),
		},
	},
	{
		Stage: HTTPFlush, Name: "http.flush", Scope: ScopeRequest, Kind: KindWork,
		Upstream: http.symbol("(*response).finishRequest"), Seam: "server/seam/front/http.go",
		Begin: exact, End: exact,
		Next: []Symbol{
			http.symbol("(*response).finishRequest"),
			http.symbol("(*chunkWriter).writeHeader"),
			http.symbol("checkConnErrorWriter.Write"),
		},
	},
	{
		Stage: Fault, Name: "seam.fault", Scope: ScopeRequest, Kind: KindHeld,
		Upstream: runtime.symbol("timeSleep"), Seam: "server/seam/fault/fault.go",
		Begin: exact, End: exact,
		Next: []Symbol{runtime.symbol("timeSleep"), runtime.symbol("goready")},
	},
	{
		Stage: Hold, Name: "seam.hold", Scope: ScopeRequest, Kind: KindHeld,
		Upstream: runtime.symbol("gopark"), Seam: "server/seam/hold/hold.go",
		Begin: exact, End: exact,
		Next: []Symbol{runtime.symbol("gopark"), runtime.symbol("selectgo"), runtime.symbol("goready")},
	},
}
