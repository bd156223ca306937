package front

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"glasskv/server/seam/client"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// gatewayCalls joins the three records that a call through the gateway leaves:
// the HTTP request's, in it that of the gateway as a client, and in that the
// server's. The client's is found by the traceparent that it sent. It holds
// random bits that nobody else has seen while the call is under way, so no
// other client can have its request shown inside somebody else's.
type gatewayCalls struct{ client *client.Observer }

func newGatewayCalls(rec *record.Recorder) gatewayCalls {
	return gatewayCalls{client: client.NewInside(rec, stages.GatewayCall)}
}

// join makes the server's record of a call part of the gateway's. It is called
// by the tap, for each request with a traceparent, and does nothing for those
// that are not the gateway's.
func (g *gatewayCalls) join(parent string, server *record.Record) {
	g.client.Find(parent).Embed(server, stages.None)
}

// gateway observes the part of a request that makes a gRPC call of it.
func (o *Front) gateway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record.FromContext(r.Context())
		rec.Begin(stages.GatewayDecode)
		defer gatewayDone(rec)
		next.ServeHTTP(w, r)
	})
}

// gatewayDone is called when the answer is written. A request from which no call
// came was refused while it was decoded.
func gatewayDone(rec *record.Record) {
	now := record.Now()
	if begun, _ := rec.Stamps(stages.GatewayCall); begun == 0 {
		rec.EndAt(stages.GatewayDecode, now)
		return
	}
	_, answered := rec.Stamps(stages.GatewayCall)
	if answered == 0 {
		answered = now // a stream whose client went away
		rec.EndAt(stages.GatewayCall, now)
	}
	rec.BeginAt(stages.GatewayEncode, answered)
	rec.EndAt(stages.GatewayEncode, now)
}

// gatewayDial returns the options of the connection over which the gateway
// calls. The outermost interceptors are our own, the client observer's come
// next.
func (o *Front) gatewayDial(creds credentials.TransportCredentials) []grpc.DialOption {
	return append([]grpc.DialOption{
		grpc.WithChainUnaryInterceptor(gatewayUnary),
		grpc.WithChainStreamInterceptor(o.gatewayCalls.stream),
	}, o.gatewayCalls.client.DialOptions(creds)...)
}

// beginCall ends the decoding and begins the call.
func beginCall(rec *record.Record) {
	now := record.Now()
	rec.EndAt(stages.GatewayDecode, now)
	rec.BeginAt(stages.GatewayCall, now)
}

// gatewayUnary stamps the call and notes what the server said.
func gatewayUnary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	rec := record.FromContext(ctx)
	noteRequest(rec, req)
	beginCall(rec)
	err := invoke(withoutParent(ctx), method, req, reply, cc, opts...)
	if _, ended := rec.Stamps(stages.GatewayCall); ended == 0 {
		rec.End(stages.GatewayCall) // there was no room to record the client's part
	}
	if err == nil {
		noteReply(rec, reply)
	}
	st := status.Convert(err)
	rec.SetCode(uint32(st.Code()), st.Message())
	for _, opt := range opts {
		if h, ok := opt.(grpc.HeaderCallOption); ok && h.HeaderAddr != nil {
			forget(*h.HeaderAddr)
		}
	}
	return err
}

// withoutParent drops a traceparent that the HTTP client smuggled in as
// Grpc-Metadata-Traceparent: the call has one of its own, and two are none.
func withoutParent(ctx context.Context) context.Context {
	md, ok := metadata.FromOutgoingContext(ctx)
	if !ok || len(md.Get(client.HeaderTraceParent)) == 0 {
		return ctx
	}
	md.Delete(client.HeaderTraceParent)
	return metadata.NewOutgoingContext(ctx, md)
}

// forget drops what the server told the gateway as a client that is traced: the
// gateway would hand it on, and it is not about the HTTP request.
func forget(md metadata.MD) {
	md.Delete(client.HeaderTraceParent)
	md.Delete(client.HeaderTraceURL)
}

// stream is the interceptor of the gateway's streaming calls: it does for them
// what gatewayUnary and the client observer do for the others.
func (g *gatewayCalls) stream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	outer := record.FromContext(ctx)
	beginCall(outer)
	ctx, call := g.client.Start(withoutParent(ctx), outer, method, record.Now(), record.MarkStreaming)
	s := &gatewayStream{outer: outer, call: call}
	cs, err := streamer(ctx, desc, cc, method, opts...)
	if err != nil {
		s.finish(err)
		return nil, err
	}
	s.ClientStream = cs
	// The gateway leaves the stream alone once its client has gone away; what it
	// does in any case is to end the context.
	context.AfterFunc(ctx, func() { s.finish(ctx.Err()) })
	return s, nil
}

// gatewayStream stamps the end of a streaming call.
type gatewayStream struct {
	grpc.ClientStream
	outer *record.Record   // of the HTTP request
	call  *client.InFlight // nil when there was no room to record it
	once  sync.Once
}

// Header leaves out what is not about the HTTP request.
func (s *gatewayStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	forget(md)
	return md, err
}

// RecvMsg sees the end of the stream.
func (s *gatewayStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		s.finish(err)
	}
	return err
}

// finish notes how the call ended. io.EOF is how it ends well.
func (s *gatewayStream) finish(err error) {
	s.once.Do(func() {
		if errors.Is(err, io.EOF) {
			err = nil
		}
		s.outer.End(stages.GatewayCall)
		st, ok := status.FromError(err)
		if !ok {
			st = status.FromContextError(err)
		}
		s.outer.SetCode(uint32(st.Code()), st.Message())
		s.call.End(st.Err())
	})
}
