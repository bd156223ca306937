package front

import (
	"context"
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

// methods is the set of a service's method names.
type methods map[string]struct{}

func (m methods) has(name string) bool {
	_, ok := m[name]
	return ok
}

// serviceDesc returns a copy of a service's description whose handlers are
// wrapped. It stands inside processRPC and outside the interceptors: only here
// does a request pass before it is decoded, and its reply before it is encoded.
func (o *Front) serviceDesc(d *grpc.ServiceDesc) *grpc.ServiceDesc {
	names := make(methods, len(d.Methods)+len(d.Streams))
	wrapped := *d
	wrapped.Methods = make([]grpc.MethodDesc, len(d.Methods))
	for i, m := range d.Methods {
		names[m.MethodName] = struct{}{}
		m.Handler = o.unary(m.Handler)
		wrapped.Methods[i] = m
	}
	wrapped.Streams = make([]grpc.StreamDesc, len(d.Streams))
	for i, s := range d.Streams {
		names[s.StreamName] = struct{}{}
		o.streams["/"+d.ServiceName+"/"+s.StreamName] = struct{}{}
		s.Handler = o.streaming(s.Handler)
		wrapped.Streams[i] = s
	}
	o.services[d.ServiceName] = names
	return &wrapped
}

func (o *Front) unary(next grpc.MethodHandler) grpc.MethodHandler {
	return func(srv any, ctx context.Context, decode func(any) error, chain grpc.UnaryServerInterceptor) (any, error) {
		s := streamFrom(ctx)
		if s == nil {
			return next(srv, ctx, decode, chain)
		}
		if s.rec.Facts().Remote {
			_ = grpc.SetHeader(ctx, o.introduction(s)) // see introduction
		}
		reply, err := next(srv, ctx, func(v any) error { return o.receive(s, decode, v) }, chain)
		if err != nil {
			beginStatus(s.rec, record.Now())
			return reply, err
		}
		noteReply(s.rec, reply)
		s.reply = carrier{rec: s.rec, msg: reply}
		o.holds.Reach(ctx, s.rec, stages.SendMsg)
		s.rec.Begin(stages.SendMsg)
		return &s.reply, nil
	}
}

// receive waits for the request of a unary call and has it decoded into v.
func (o *Front) receive(s *stream, decode func(any) error, v any) error {
	s.request = carrier{rec: s.rec, msg: v}
	o.holds.Reach(s.Context, s.rec, stages.RecvMsg)
	s.rec.Begin(stages.RecvMsg)
	err := decode(&s.request)
	s.rec.End(stages.RecvMsg)
	if err == nil {
		noteRequest(s.rec, v)
	}
	return err
}

// beginStatus marks that nothing is left to do but to write the status, unless
// grpc-go has written one on its own: it does when a message cannot be read.
func beginStatus(rec *record.Record, now int64) {
	if _, written := rec.Stamps(stages.WriteStatus); written == 0 {
		rec.BeginAt(stages.WriteStatus, now)
	}
}

// introduction tells a client that sent a traceparent under which IDs the server
// recorded its request, and where they can be looked up. Setting it fails only on
// a stream that is over already; that is for the handler to find out, and no
// reason for the seam to answer in its place.
func (o *Front) introduction(s *stream) metadata.MD {
	md := metadata.Pairs(client.HeaderTraceParent, s.rec.TraceParent())
	if o.opts.TraceURL != "" {
		md.Set(client.HeaderTraceURL, o.opts.TraceURL)
	}
	return md
}

func (o *Front) streaming(next grpc.StreamHandler) grpc.StreamHandler {
	return func(srv any, ss grpc.ServerStream) error {
		s := streamFrom(ss.Context())
		if s == nil {
			return next(srv, ss)
		}
		if s.rec.Facts().Remote {
			_ = ss.SetHeader(o.introduction(s)) // see introduction
		}
		wrapped := &serverStream{ServerStream: ss, rec: s.rec, holds: o.holds}
		defer wrapped.received() // what still waits for a message has waited until now
		return next(srv, wrapped)
	}
}

// serverStream stamps every message of a streaming call. As grpc-go has it, one
// goroutine may receive while another one sends.
type serverStream struct {
	grpc.ServerStream
	rec     *record.Record
	holds   *hold.Holds
	in, out carrier
	noted   bool

	receiving atomic.Int64 // when the receiving of a message began; zero while none is received
}

func (ss *serverStream) RecvMsg(m any) error {
	ss.in = carrier{rec: ss.rec, msg: m, streaming: true}
	ss.holds.Reach(ss.Context(), ss.rec, stages.RecvMsg)
	ss.receiving.Store(record.Now())
	err := ss.ServerStream.RecvMsg(&ss.in)
	ss.received()
	if err == nil && !ss.noted && !ss.rec.Finished() {
		ss.noted = true
		noteRequest(ss.rec, m)
	}
	return err
}

// received stamps the end of a receive, once: a handler may return while a
// goroutine of its own still waits for a message.
func (ss *serverStream) received() {
	if begin := ss.receiving.Swap(0); begin != 0 {
		ss.rec.Repeat(stages.RecvMsg, begin, record.Now())
	}
}

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

// carrier is a message on its way through grpc-go to the codec. A codec is told
// nothing but the message, so the message is wrapped in one that knows whose it
// is. Handlers and interceptors never see a carrier.
type carrier struct {
	rec       *record.Record
	msg       any
	streaming bool // one of many messages: the stage repeats
}

// stamp notes one stretch of a stage, which a streaming call passes many times.
func (c *carrier) stamp(s stages.Stage, begin, end int64) {
	if c.streaming {
		c.rec.Repeat(s, begin, end)
		return
	}
	c.rec.BeginAt(s, begin)
	c.rec.EndAt(s, end)
}

// codec does what the registered codec does, and stamps the messages that come
// as carriers.
type codec struct{ encoding.CodecV2 }

// protoCodec returns the codec that a server without seams would use.
func protoCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(*carrier)
	if !ok {
		return c.CodecV2.Marshal(v)
	}
	begin := record.Now()
	data, err := c.CodecV2.Marshal(m.msg)
	m.stamp(stages.CodecEncode, begin, record.Now())
	return data, err
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*carrier)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	begin := record.Now()
	err := c.CodecV2.Unmarshal(data, m.msg)
	m.stamp(stages.CodecDecode, begin, record.Now())
	return err
}
