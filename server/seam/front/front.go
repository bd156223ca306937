package front

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"glasskv/server/seam/fault"
	"glasskv/server/seam/hold"
	"glasskv/server/serve"
	"glasskv/trace/record"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/tap"
)

// frontOptions are those of grpc-go's own options that the wrappers need the
// place of. Set them here and not on the server.
type Options struct {
	// TraceURL is where the server's finished timelines can be fetched. It is
	// returned to clients that sent a traceparent; empty means that there is no
	// such place.
	TraceURL string
	// Tap is asked about every request after it has been noted, and may refuse
	// it. It runs on the goroutine that reads the connection.
	Tap tap.ServerInHandle
	// StreamWorkers says that the server has stream workers, so that it is looked
	// up for each request whether one of them handles it.
	StreamWorkers bool
}

// Front observes one server's connections and the calls on them, from outside of
// grpc-go and net/http.
type Front struct {
	rec          *record.Recorder
	opts         Options
	holds        *hold.Holds
	faults       *fault.Faults
	gatewayCalls gatewayCalls
	stopping     atomic.Bool

	services map[string]methods  // filled while services are registered, which ends before serving begins
	streams  map[string]struct{} // the streaming ones among their methods, by full name; filled likewise
	conns    sync.Map            // *serverConn → struct{}; those that may have unfinished requests

	stopSweep context.CancelFunc
	sweeping  sync.WaitGroup
}

// newFront prepares the wrappers for one server, and starts the sweeper, which Close
// ends.
func New(rec *record.Recorder, h *hold.Holds, f *fault.Faults, opts Options) *Front {
	o := &Front{
		rec: rec, opts: opts, holds: h, faults: f, gatewayCalls: newGatewayCalls(rec),
		services: make(map[string]methods), streams: make(map[string]struct{}),
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.stopSweep = cancel
	o.sweeping.Go(func() { o.sweep(ctx) })
	return o
}

// Stopping notes that the server is being stopped: requests that end from then on
// without a reply say so.
func (o *Front) Stopping() { o.stopping.Store(true) }

// Close ends the sweeper. It may be called more than once.
func (o *Front) Close() {
	o.stopSweep()
	o.sweeping.Wait()
}

// Seams returns the wrappers of the server's outer half. All of them must be
// installed, for they work together.
func (o *Front) Seams() serve.Seams {
	return serve.Seams{
		Accept:   func(l net.Listener) net.Listener { return &acceptListener{Listener: l, o: o} },
		Listener: func(l net.Listener) net.Listener { return &listener{Listener: l, o: o} },
		Creds: func(c credentials.TransportCredentials) credentials.TransportCredentials {
			return handshaker{c, o}
		},
		HTTPListener:     func(l net.Listener) net.Listener { return &httpListener{l, o} },
		HandshakeFailure: handshakeFailure,
		ServeHTTP:        o.serveHTTP,
		Options: []grpc.ServerOption{
			grpc.ReadBufferSize(0), // serverConn has the buffer instead, so that frames pass it as they are consumed
			grpc.InTapHandle(o.tap),
			grpc.StatsHandler(statsHandler{o}),
			grpc.ForceServerCodecV2(protoCodec()),
		},
		Interceptors: serve.Interceptors{
			OuterUnary: o.outerUnary, InnerUnary: o.innerUnary,
			OuterStream: o.outerStream, InnerStream: o.innerStream,
		},
		ServiceDesc: o.serviceDesc,
		HTTP:        o.http,
		Gateway:     o.gateway,
		GatewayDial: o.gatewayDial,
		Metrics:     newMetrics(o.rec),
		InProcess:   o.inProcess,
	}
}

// Unfinished counts the requests of all connections whose records are not finished.
func (o *Front) Unfinished() (n int) {
	o.conns.Range(func(key, _ any) bool {
		n += key.(*serverConn).streams.all(func(*stream) {}) //nolint:forcetypeassert // TagConn stores nothing else
		return true
	})
	return n
}
