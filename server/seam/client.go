package seam

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// ClientObserver makes a gRPC client's own stages part of its requests'
// timelines. One observer serves any number of connections.
//
// A request is followed through its traceparent: the interceptor gives each
// call one, and the connection finds it again in the frames that leave. The
// server takes the trace ID over, so both sides' parts can be put together.
// Streaming calls pass unobserved: GlassKV's own commands make none.
type ClientObserver struct {
	rec   *record.Recorder
	calls sync.Map // traceparent → *clientCall, while the call is under way

	// under is set where the client is a part of this server: a call's record
	// becomes part of the record of the request that it is made for, in this
	// stage.
	under stages.Stage
}

// NewClientObserver returns an observer that keeps its records in rec.
func NewClientObserver(rec *record.Recorder) *ClientObserver { return &ClientObserver{rec: rec} }

// DialOptions returns what grpc.NewClient needs to be observed over connections
// that creds secures. They must come before the caller's own options, so that no
// other interceptor's work is left out.
func (o *ClientObserver) DialOptions(creds credentials.TransportCredentials) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(&clientCreds{creds, o}),
		grpc.WithChainUnaryInterceptor(o.unary),
	}
}

// ClientCall is what becomes known of one call that is made with the context
// from Observe. It may be read once the call has returned.
type ClientCall struct {
	// Record holds the client's stages. It is nil when the call was not
	// recorded, because too many others were under way.
	Record *record.Record
	// TraceURL is where the server says that its part of the timeline can be
	// fetched; empty when it does not say.
	TraceURL string
}

type clientCallKey struct{}

// Observe returns a context for one call, and where its record will be found.
func Observe(ctx context.Context) (context.Context, *ClientCall) {
	c := new(ClientCall)
	return context.WithValue(ctx, clientCallKey{}, c), c
}

// clientCall is a call that is under way.
type clientCall struct {
	rec   *record.Record
	begin int64
}

// sent notes when the request was out. The writer says so, or the reader where
// the reply was quicker than the writer's return.
func (c *clientCall) sent(stamp int64) {
	if _, end := c.rec.Stamps(stages.ClientSend); end == 0 {
		c.rec.EndAt(stages.ClientSend, stamp)
	}
}

// The metadata that carries a request's IDs to the server, and the one with
// which the server says where its timelines are.
const (
	headerTraceParent = "traceparent"
	headerTraceURL    = "glasskv-trace"
)

// unary is the client's interceptor: the call begins and ends here.
func (o *ClientObserver) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	begin := record.Now()
	rec := o.rec.Start(nil, 0, begin)
	if rec == nil {
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	rec.Mark(record.MarkClient)
	rec.Facts().Method = method
	if o.under != stages.None {
		record.FromContext(ctx).Embed(rec, o.under)
	}
	parent := rec.TraceParent()
	o.calls.Store(parent, &clientCall{rec, begin})
	defer o.calls.Delete(parent)

	var header metadata.MD
	ctx = metadata.AppendToOutgoingContext(ctx, headerTraceParent, parent)
	err := invoke(ctx, method, req, reply, cc, append(slices.Clip(opts), grpc.Header(&header))...)
	end := finishCall(rec, begin, err)
	if o.under != stages.None {
		record.FromContext(ctx).EndAt(o.under, end)
	}

	if c, ok := ctx.Value(clientCallKey{}).(*ClientCall); ok {
		c.Record = rec
		if urls := header.Get(headerTraceURL); len(urls) > 0 {
			c.TraceURL = urls[0]
		}
	}
	return err
}

// finishCall stamps the end of a call, completes its record and returns the stamp.
func finishCall(rec *record.Record, begin int64, err error) int64 {
	st, end := status.Convert(err), record.Now()
	got, _ := rec.Stamps(stages.ClientRecv)
	sent, out := rec.Stamps(stages.ClientSend)
	switch {
	case got != 0:
		rec.EndAt(stages.ClientRecv, end)
	case sent == 0 && inVain(st.Code()):
		rec.BeginAt(stages.ClientDial, begin)
		rec.EndAt(stages.ClientDial, end)
	case out == 0 && st.Code() != codes.OK && !inVain(st.Code()): // it was given up while it was sent
		rec.BeginAt(stages.ClientSend, begin)
		rec.EndAt(stages.ClientSend, end)
	}
	rec.SetCode(uint32(st.Code()), st.Message())
	rec.Done(record.EventHandled)
	rec.Done(record.EventWire)
	rec.Done(record.EventRead)
	return end
}

// inVain reports whether a call that sent nothing had waited for a connection
// all the time. With any other code it was refused on this side.
func inVain(code codes.Code) bool {
	return code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.Canceled
}
