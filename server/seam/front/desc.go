package front

import (
	"context"
	"slices"
	"sync/atomic"

	"glasskv/server/seam/client"
	"glasskv/server/seam/hold"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
)

// serviceDesc returns a copy of a service's description with wrapped handlers, and notes
// the methods as registered. The wrappers run inside processRPC and outside the
// interceptors: only there does a request pass before it is decoded, and its reply before
// it is encoded.
func (f *Front) serviceDesc(d *grpc.ServiceDesc) *grpc.ServiceDesc {
	f.services[d.ServiceName] = struct{}{}
	wrapped := *d
	wrapped.Methods = slices.Clone(d.Methods)
	for i := range wrapped.Methods {
		m := &wrapped.Methods[i]
		f.methods[fullMethod(d, m.MethodName)] = false
		m.Handler = f.unary(m.Handler)
	}
	wrapped.Streams = slices.Clone(d.Streams)
	for i := range wrapped.Streams {
		s := &wrapped.Streams[i]
		f.methods[fullMethod(d, s.StreamName)] = true
		s.Handler = f.streaming(s.Handler)
	}
	return &wrapped
}

// fullMethod returns a method's name as requests spell it: "/service/method".
func fullMethod(d *grpc.ServiceDesc, method string) string { return "/" + d.ServiceName + "/" + method }

// unary wraps the handler of a unary method: it stamps RecvMsg and SendMsg.
func (f *Front) unary(next grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
		s := streamFrom(ctx)
		if s == nil {
			return next(srv, ctx, decode, chain)
		}
		if s.rec.Facts().Remote {
			_ = grpc.SetHeader(ctx, f.traceHeaders(s)) // fails only if the stream is over, which the handler will find out
		}
		reply, err := next(srv, ctx, func(v any) error { return f.recvMsg(s, decode, v) }, chain)
		if err != nil {
			beginWriteStatus(s.rec, record.Now())
			return reply, err
		}
		noteReply(s.rec, reply)
		s.reply = carrier{rec: s.rec, msg: reply}
		f.holds.Reach(ctx, s.rec, stages.SendMsg)
		s.rec.Begin(stages.SendMsg)
		return &s.reply, nil
	}
}

// recvMsg receives the request of a unary call and decodes it into v.
func (f *Front) recvMsg(s *stream, decode func(any) error, v any) error {
	s.request = carrier{rec: s.rec, msg: v}
	f.holds.Reach(s.Context, s.rec, stages.RecvMsg)
	s.rec.Begin(stages.RecvMsg)
	err := decode(&s.request)
	s.rec.End(stages.RecvMsg)
	if err == nil {
		noteRequest(s.rec, v)
	}
	return err
}

// beginWriteStatus is called when nothing is left to do but to write the status. It does
// nothing if grpc-go has already written one, as it does if a message cannot be read.
func beginWriteStatus(rec *record.Record, now int64) {
	if _, written := rec.Stamps(stages.WriteStatus); written == 0 {
		rec.BeginAt(stages.WriteStatus, now)
	}
}

// traceHeaders tells a client that sent a traceparent under which IDs its request is recorded,
// and where its timeline can be fetched.
func (f *Front) traceHeaders(s *stream) metadata.MD {
	md := metadata.Pairs(client.HeaderTraceParent, s.rec.TraceParent())
	if f.opts.TraceURL != "" {
		md.Set(client.HeaderTraceURL, f.opts.TraceURL)
	}
	return md
}

// streaming wraps the handler of a streaming method: it stamps each message.
func (f *Front) streaming(next grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, ss grpc.ServerStream) error {
		s := streamFrom(ss.Context())
		if s == nil {
			return next(srv, ss)
		}
		if s.rec.Facts().Remote {
			_ = ss.SetHeader(f.traceHeaders(s)) // see unary
		}
		wrapped := &serverStream{ServerStream: ss, rec: s.rec, holds: f.holds}
		defer wrapped.endRecvMsg() // a goroutine of the handler may still wait for a message
		return next(srv, wrapped)
	}
}

// serverStream stamps every message of a streaming call. As grpc-go allows, one goroutine may
// receive while another one sends.
type serverStream struct {
	grpc.ServerStream
	rec     *record.Record
	holds   *hold.Holds
	in, out carrier
	noted   bool // the first request is noted

	receiving atomic.Int64 // when the RecvMsg that is under way began; 0 if none is
}

// RecvMsg implements grpc.ServerStream.
func (ss *serverStream) RecvMsg(m any) error {
	ss.in = carrier{rec: ss.rec, msg: m, streaming: true}
	ss.holds.Reach(ss.Context(), ss.rec, stages.RecvMsg)
	ss.receiving.Store(record.Now())
	err := ss.ServerStream.RecvMsg(&ss.in)
	ss.endRecvMsg()
	if err == nil && !ss.noted && !ss.rec.Finished() {
		ss.noted = true
		noteRequest(ss.rec, m)
	}
	return err
}

// endRecvMsg stamps a receive that has ended. The receive that is under way when the handler
// returns ends then; it is stamped once.
func (ss *serverStream) endRecvMsg() {
	if begin := ss.receiving.Swap(0); begin != 0 {
		ss.rec.Repeat(stages.RecvMsg, begin, record.Now())
	}
}

// SendMsg implements grpc.ServerStream.
func (ss *serverStream) SendMsg(m any) error {
	ss.holds.Reach(ss.Context(), ss.rec, stages.SendMsg)
	begin := record.Now()
	defer func() { ss.rec.Repeat(stages.SendMsg, begin, record.Now()) }()
	if _, encoded := m.(*grpc.PreparedMsg); encoded {
		return ss.ServerStream.SendMsg(m)
	}
	ss.out = carrier{rec: ss.rec, msg: m, streaming: true}
	return ss.ServerStream.SendMsg(&ss.out)
}

// carrier is a message with the record that it belongs to. grpc-go passes it to the codec in
// place of the message, because a codec is given the message alone. Handlers and interceptors
// never see a carrier.
type carrier struct {
	rec       *record.Record
	msg       any
	streaming bool // one of many messages: its stage repeats
}

// stampStage stamps a stage of the message.
func (c *carrier) stampStage(s stages.Stage, begin, end int64) {
	if c.streaming {
		c.rec.Repeat(s, begin, end)
		return
	}
	c.rec.BeginAt(s, begin)
	c.rec.EndAt(s, end)
}

// codec is the registered codec. It stamps the messages that come as carriers.
type codec struct{ encoding.CodecV2 }

// protoCodec returns the codec that replaces grpc-go's own for protobuf.
func protoCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*carrier)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	begin := record.Now()
	data, err := c.CodecV2.Marshal(m.msg)
	m.stampStage(stages.CodecEncode, begin, record.Now())
	return data, err
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*carrier)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	begin := record.Now()
	err := c.CodecV2.Unmarshal(data, m.msg)
	m.stampStage(stages.CodecDecode, begin, record.Now())
	return err
}
