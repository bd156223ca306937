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

// gatewayCalls joins the three records of a call through the gateway: the record of the HTTP
// request contains that of the gateway's client, which contains the server's. The client's
// record is found by the traceparent of the call. Nobody else has seen its random bits while the
// call is under way, so no other client can have its request shown inside another's.
type gatewayCalls struct{ client *client.Observer }

func newGatewayCalls(rec *record.Recorder) gatewayCalls {
	return gatewayCalls{client: client.NewInside(rec, stages.GatewayCall)}
}

// join makes the server's record of a call part of the gateway's. It does nothing if the
// traceparent is not that of one of the gateway's calls. It is called for each request with a
// traceparent.
func (g *gatewayCalls) join(parent string, server *record.Record) {
	g.client.Find(parent).Embed(server, stages.None)
}

// gateway observes the gateway's handler, which turns an HTTP request into a gRPC call.
func (f *Front) gateway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record.FromContext(r.Context())
		rec.Begin(stages.GatewayDecode)
		defer endGateway(rec)
		next.ServeHTTP(w, r)
	})
}

// endGateway is called when the handler has written its reply. If there was no call, the
// request was refused while it was decoded.
func endGateway(rec *record.Record) {
	now := record.Now()
	if begun, _ := rec.Stamps(stages.GatewayCall); begun == 0 {
		rec.EndAt(stages.GatewayDecode, now)
		return
	}
	_, answered := rec.Stamps(stages.GatewayCall)
	if answered == 0 {
		answered = now // a stream whose client has gone away
		rec.EndAt(stages.GatewayCall, now)
	}
	rec.BeginAt(stages.GatewayEncode, answered)
	rec.EndAt(stages.GatewayEncode, now)
}

// gatewayDial returns the options of the connection for the gateway's calls. The seam's own
// interceptors come before the client observer's.
func (f *Front) gatewayDial(creds credentials.TransportCredentials) []grpc.DialOption {
	return append([]grpc.DialOption{
		grpc.WithChainUnaryInterceptor(callFromGateway),
		grpc.WithChainStreamInterceptor(f.gatewayCalls.startStream),
	}, f.gatewayCalls.client.DialOptions(creds)...)
}

// beginGatewayCall ends GatewayDecode and begins GatewayCall.
func beginGatewayCall(rec *record.Record) {
	now := record.Now()
	rec.EndAt(stages.GatewayDecode, now)
	rec.BeginAt(stages.GatewayCall, now)
}

// callFromGateway is the interceptor of the gateway's unary calls. It stamps the call and notes
// its result.
func callFromGateway(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	rec := record.FromContext(ctx)
	noteRequest(rec, req)
	beginGatewayCall(rec)
	err := invoke(withoutTraceParent(ctx), method, req, reply, cc, opts...)
	if _, ended := rec.Stamps(stages.GatewayCall); ended == 0 {
		rec.End(stages.GatewayCall) // the client's part was not recorded, so its observer did not end the stage
	}
	if err == nil {
		noteReply(rec, reply)
	}
	st := status.Convert(err)
	rec.SetCode(uint32(st.Code()), st.Message())
	for _, opt := range opts {
		if h, ok := opt.(grpc.HeaderCallOption); ok && h.HeaderAddr != nil {
			dropTraceHeaders(*h.HeaderAddr)
		}
	}
	return err
}

// withoutTraceParent removes a traceparent that the HTTP client has sent as
// Grpc-Metadata-Traceparent. The call has a traceparent of its own, and the server accepts none
// if there are two.
func withoutTraceParent(ctx context.Context) context.Context {
	md, ok := metadata.FromOutgoingContext(ctx)
	if !ok || len(md.Get(client.HeaderTraceParent)) == 0 {
		return ctx
	}
	md.Delete(client.HeaderTraceParent)
	return metadata.NewOutgoingContext(ctx, md)
}

// dropTraceHeaders removes what the server tells a traced client. The gateway would pass it on
// to the HTTP client, and it is not about the HTTP request.
func dropTraceHeaders(md metadata.MD) {
	md.Delete(client.HeaderTraceParent)
	md.Delete(client.HeaderTraceURL)
}

// startStream is the interceptor of the gateway's streaming calls. It does what callFromGateway
// and the client observer do for unary calls.
func (g *gatewayCalls) startStream(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
	outer := record.FromContext(ctx)
	beginGatewayCall(outer)
	ctx, call := g.client.Start(withoutTraceParent(ctx), outer, method, record.Now(), record.MarkStreaming)
	s := &gatewayStream{outer: outer, call: call}
	cs, err := streamer(ctx, desc, cc, method, opts...)
	if err != nil {
		s.finish(err)
		return nil, err
	}
	s.ClientStream = cs
	// If its client goes away, the gateway does not read the stream to its end, but it ends
	// the context.
	context.AfterFunc(ctx, func() { s.finish(ctx.Err()) })
	return s, nil
}

// gatewayStream stamps the end of a streaming call.
type gatewayStream struct {
	grpc.ClientStream
	outer *record.Record   // the HTTP request's record
	call  *client.InFlight // nil if it is not recorded
	once  sync.Once
}

// Header implements grpc.ClientStream, without the trace headers.
func (s *gatewayStream) Header() (metadata.MD, error) {
	md, err := s.ClientStream.Header()
	dropTraceHeaders(md)
	return md, err
}

// RecvMsg implements grpc.ClientStream. It notices the end of the stream.
func (s *gatewayStream) RecvMsg(m any) error {
	err := s.ClientStream.RecvMsg(m)
	if err != nil {
		s.finish(err)
	}
	return err
}

// finish notes how the call ended. With io.EOF it succeeded. Only the first call has an effect.
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
