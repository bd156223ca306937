// Package client makes a gRPC client's own stages part of its requests' timelines. It does not
// import the server, so that an observed client does not link one.
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

// Observer makes a gRPC client's own stages part of its requests' timelines. It may be used by
// any number of connections.
//
// A call is followed by its traceparent: the interceptor gives each call one, and the connection
// finds it in the frames that it writes. The server adopts the trace ID, so both sides' parts
// can be joined. Streaming calls are not observed, unless their interceptor uses Start and End.
type Observer struct {
	rec   *record.Recorder
	calls sync.Map // traceparent → *InFlight, while the call is under way

	// under is set if the client is a part of this server: a call's record becomes part of the
	// record of the request that the call is made for, in this stage.
	under stages.Stage
}

// New returns an observer that keeps its records in rec.
func New(rec *record.Recorder) *Observer { return &Observer{rec: rec} }

// NewInside returns an observer for a client that is a part of this server. The record
// of each call becomes part of the record in the call's context, inside the stage
// under, which ends with the call.
func NewInside(rec *record.Recorder, under stages.Stage) *Observer {
	return &Observer{rec: rec, under: under}
}

// DialOptions returns the options with which grpc.NewClient makes observed connections, secured
// by creds. They must come before the caller's own options, so that the stages of a call contain
// the work of all other interceptors.
func (o *Observer) DialOptions(creds credentials.TransportCredentials) []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithTransportCredentials(&clientCreds{creds, o}),
		grpc.WithChainUnaryInterceptor(o.unary),
	}
}

// Call is what is known of a call that was made with the context from Observe. It may be read
// when the call has returned.
type Call struct {
	// Record holds the client's stages. It is nil if the call was not recorded, because too many
	// others were under way.
	Record *record.Record
	// TraceURL is where the server's part of the timeline can be fetched; empty if the server does
	// not say.
	TraceURL string
}

// clientCallKey is the key of a *Call in the context of the call.
type clientCallKey struct{}

// Observe returns a context for one call, and the Call that is filled in when it returns.
func Observe(ctx context.Context) (context.Context, *Call) {
	c := new(Call)
	return context.WithValue(ctx, clientCallKey{}, c), c
}

// InFlight is a call that is under way.
type InFlight struct {
	observer *Observer
	rec      *record.Record
	begin    int64
	parent   string // the traceparent that it carries
}

// Start begins the client's record of a call, at the stamp begin. The context that it returns
// carries a traceparent, by which the connection finds the record. If the client is a part of
// this server, the record becomes part of outer. Start returns a nil InFlight, and ctx as it is,
// if too many requests are under way to record the call.
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

// End completes the record of a call that has returned err, and returns the stamp of its end. It
// must be called once. With a nil c it does nothing and returns 0.
func (c *InFlight) End(err error) int64 {
	if c == nil {
		return 0
	}
	c.observer.calls.Delete(c.parent)
	return finishCall(c.rec, c.begin, err)
}

// Find returns the record of the call that carries this traceparent and is under way, or nil.
func (o *Observer) Find(parent string) *record.Record {
	if call, ok := o.calls.Load(parent); ok {
		return call.(*InFlight).rec //nolint:forcetypeassert // Start stores nothing else
	}
	return nil
}

// endSend notes when the request was written. The writing side calls it, or the reading side if
// the reply is read before Write has returned; the first call counts.
func (c *InFlight) endSend(stamp int64) {
	if _, end := c.rec.Stamps(stages.ClientSend); end == 0 {
		c.rec.EndAt(stages.ClientSend, stamp)
	}
}

// The metadata of a traced call.
const (
	HeaderTraceParent = "traceparent"   // to the server: the call's IDs, in the W3C format
	HeaderTraceURL    = "glasskv-trace" // from the server: where its timelines can be fetched
)

// unary is the interceptor of unary calls.
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
	case sent == 0 && waitedForConn(st.Code()):
		rec.BeginAt(stages.ClientDial, begin)
		rec.EndAt(stages.ClientDial, end)
	case out == 0 && st.Code() != codes.OK && !waitedForConn(st.Code()): // given up while it was written
		rec.BeginAt(stages.ClientSend, begin)
		rec.EndAt(stages.ClientSend, end)
	}
	rec.SetCode(uint32(st.Code()), st.Message())
	rec.Done(record.EventHandled)
	rec.Done(record.EventWire)
	rec.Done(record.EventRead)
	return end
}

// waitedForConn reports whether a call that ended with code, and has written nothing, waited for
// a connection all the time. With any other error code the client itself refused it.
func waitedForConn(code codes.Code) bool {
	return code == codes.Unavailable || code == codes.DeadlineExceeded || code == codes.Canceled
}

// clientCreds puts a clientConn around each connection when it is secured: there frames pass
// unencrypted whatever the credentials are, and grpc-go has already set its options on the
// socket.
type clientCreds struct {
	credentials.TransportCredentials
	observer *Observer
}

// ClientHandshake implements credentials.TransportCredentials.
func (c *clientCreds) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, raw)
	if err != nil {
		return nil, nil, err
	}
	return newClientConn(conn, c.observer), info, nil
}

// Clone implements credentials.TransportCredentials.
func (c *clientCreds) Clone() credentials.TransportCredentials {
	return &clientCreds{c.TransportCredentials.Clone(), c.observer}
}
