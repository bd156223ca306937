package front

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"glasskv/server/seam/client"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

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
