// Package client makes a gRPC client's own stages part of its requests' timelines. It
// needs nothing of the server, so that a client that is observed does not link one.
package client

import (
	"context"
	"net"
	"slices"
	"sync"

	"glasskv/trace/record"
	"glasskv/trace/stages"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// ClientObserver makes a gRPC client's own stages part of its requests'
// timelines. One observer serves any number of connections.
//
// A request is followed through its traceparent: the interceptor gives each
// call one, and the connection finds it again in the frames that leave. The
// server takes the trace ID over, so both sides' parts can be put together.
// Streaming calls pass unobserved: GlassKV's own commands make none.
type Observer struct {
	rec   *record.Recorder
	calls sync.Map // traceparent → *InFlight, while the call is under way

	// under is set where the client is a part of this server: a call's record
	// becomes part of the record of the request that it is made for, in this
	// stage.
	under stages.Stage
}

// NewClientObserver returns an observer that keeps its records in rec.
func New(rec *record.Recorder) *Observer { return &Observer{rec: rec} }

// NewInside returns an observer for a client that is a part of this server. The record
// of each call becomes part of the record in the call's context, inside the stage
// under, which ends with the call.
func NewInside(rec *record.Recorder, under stages.Stage) *Observer {
	return &Observer{rec: rec, under: under}
}

// DialOptions returns what grpc.NewClient needs to be observed over connections
// that creds secures. They must come before the caller's own options, so that no
// other interceptor's work is left out.
func (o *Observer) DialOptions(creds credentials.TransportCredentials) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(&clientCreds{creds, o}),
		grpc.WithChainUnaryInterceptor(o.unary),
	}
}

// ClientCall is what becomes known of one call that is made with the context
// from Observe. It may be read once the call has returned.
type Call struct {
	// Record holds the client's stages. It is nil when the call was not
	// recorded, because too many others were under way.
	Record *record.Record
	// TraceURL is where the server says that its part of the timeline can be
	// fetched; empty when it does not say.
	TraceURL string
}

type clientCallKey struct{}

// Observe returns a context for one call, and where its record will be found.
func Observe(ctx context.Context) (context.Context, *Call) {
	c := new(Call)
	return context.WithValue(ctx, clientCallKey{}, c), c
}

// InFlight is a call that is under way.
type InFlight struct {
	o      *Observer
	rec    *record.Record
	begin  int64
	parent string // the traceparent that it carries
}

// Start begins the client's record of a call and gives the call a traceparent, by
// which the connection finds the record. The stamp is the call's begin. Where the
// client is a part of this server, the record becomes part of outer. It returns a
// nil InFlight when too many requests are under way to record this one.
func (o *Observer) Start(ctx context.Context, outer *record.Record, method string, begin int64, m record.Mark) (context.Context, *InFlight) {
	rec := o.rec.Start(nil, 0, begin)
	if rec == nil {
		return ctx, nil
	}
	rec.Mark(record.MarkClient | m)
	rec.Facts().Method = method
	if o.under != stages.None {
		outer.Embed(rec, o.under)
	}
	c := &InFlight{o, rec, begin, rec.TraceParent()}
	o.calls.Store(c.parent, c)
	return metadata.AppendToOutgoingContext(ctx, HeaderTraceParent, c.parent), c
}

// End completes the call's record: the call has returned err. It returns the stamp of
// the call's end. It must be called once; on a nil InFlight it does nothing.
func (c *InFlight) End(err error) int64 {
	if c == nil {
		return 0
	}
	c.o.calls.Delete(c.parent)
	return finishCall(c.rec, c.begin, err)
}

// Find returns the record of the call under way that carries this traceparent, or
// nil.
func (o *Observer) Find(parent string) *record.Record {
	if call, ok := o.calls.Load(parent); ok {
		return call.(*InFlight).rec //nolint:forcetypeassert // Start stores nothing else
	}
	return nil
}

// sent notes when the request was out. The writer says so, or the reader where
// the reply was quicker than the writer's return.
func (c *InFlight) sent(stamp int64) {
	if _, end := c.rec.Stamps(stages.ClientSend); end == 0 {
		c.rec.EndAt(stages.ClientSend, stamp)
	}
}

// The metadata of a traced call.
const (
	HeaderTraceParent = "traceparent"   // to the server: the call's IDs, in the W3C format
	HeaderTraceURL    = "glasskv-trace" // from the server: where its timelines can be fetched
)

// unary is the client's interceptor: the call begins and ends here.
func (o *Observer) unary(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	begin := record.Now()
	outer := record.FromContext(ctx)
	ctx, call := o.Start(ctx, outer, method, begin, 0)
	if call == nil {
		return invoke(ctx, method, req, reply, cc, opts...)
	}
	var header metadata.MD
	err := invoke(ctx, method, req, reply, cc, append(slices.Clip(opts), grpc.Header(&header))...)
	end := call.End(err)
	if o.under != stages.None {
		outer.EndAt(o.under, end)
	}

	if c, ok := ctx.Value(clientCallKey{}).(*Call); ok {
		c.Record = call.rec
		if urls := header.Get(HeaderTraceURL); len(urls) > 0 {
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

// clientCreds puts a clientConn around each connection once it is secured. That
// is the one place where HTTP/2 passes in clear whatever the credentials are,
// and it lies behind the one where grpc-go sets its options on the socket.
type clientCreds struct {
	credentials.TransportCredentials
	o *Observer
}

// ClientHandshake is called once per connection, by grpc-go.
func (c *clientCreds) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	return newClientConn(conn, c.o), info, nil
}

// Clone keeps the wrapper where grpc-go copies the credentials.
func (c *clientCreds) Clone() credentials.TransportCredentials {
	return &clientCreds{c.TransportCredentials.Clone(), c.o}
}
