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

// Options are the options of a Front. The wrappers replace or repeat some of grpc-go's own
// options: a tap must be set here and not on the server.
type Options struct {
	// TraceURL is where the server's finished timelines can be fetched. It is returned to clients
	// that sent a traceparent; if empty, they are not told.
	TraceURL string
	// Tap is called for every request after it has been noted, and may refuse it. It runs on the
	// goroutine that reads the connection.
	Tap tap.ServerInHandle
	// StreamWorkers says that the server has stream workers. Then each request is marked with
	// whether one of them handles it.
	StreamWorkers bool
}

// Front observes the connections of one server and the calls on them, from outside grpc-go and
// net/http.
type Front struct {
	rec          *record.Recorder
	opts         Options
	holds        *hold.Holds
	faults       *fault.Faults
	gatewayCalls gatewayCalls
	stopping     atomic.Bool

	// What is registered; filled before serving begins, and only read from then on.
	services map[string]struct{} // by name
	methods  map[string]bool     // by full name; true for a streaming method

	conns sync.Map // *serverConn → struct{}: those that are open or have unfinished requests

	stopSweep context.CancelFunc
	sweeping  sync.WaitGroup
}

// New returns the wrappers for one server, and starts the sweeper, which Close stops. Where a
// stage begins, holds and faults decide whether the request waits.
func New(rec *record.Recorder, holds *hold.Holds, faults *fault.Faults, opts Options) *Front {
	f := &Front{
		rec: rec, opts: opts, holds: holds, faults: faults, gatewayCalls: newGatewayCalls(rec),
		services: make(map[string]struct{}), methods: make(map[string]bool),
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.stopSweep = cancel
	f.sweeping.Go(func() { f.sweep(ctx) })
	return f
}

// Stopping notes that the server is being stopped. From then on, requests that end without a
// reply are marked with MarkStopping.
func (f *Front) Stopping() { f.stopping.Store(true) }

// Close stops the sweeper, and waits until it has stopped. It may be called more than once.
func (f *Front) Close() {
	f.stopSweep()
	f.sweeping.Wait()
}

// Seams returns the wrappers of the server's outer half. All of them must be installed, because
// they share the state of each request.
func (f *Front) Seams() serve.Seams {
	return serve.Seams{
		Accept:   func(l net.Listener) net.Listener { return &acceptListener{Listener: l, front: f} },
		Listener: func(l net.Listener) net.Listener { return &listener{Listener: l, front: f} },
		Creds: func(c credentials.TransportCredentials) credentials.TransportCredentials {
			return handshaker{c, f}
		},
		HTTPListener:     func(l net.Listener) net.Listener { return &httpListener{l, f} },
		HandshakeFailure: handshakeFailure,
		ServeHTTP:        f.serveHTTP,
		Options: []grpc.ServerOption{
			grpc.ReadBufferSize(0), // incoming has a buffer instead, so that the seam sees when the transport consumes a frame
			grpc.InTapHandle(f.tap),
			grpc.StatsHandler(statsHandler{f}),
			grpc.ForceServerCodecV2(protoCodec()),
		},
		Interceptors: serve.Interceptors{
			OuterUnary: f.outerUnary, InnerUnary: f.innerUnary,
			OuterStream: f.outerStream, InnerStream: f.innerStream,
		},
		ServiceDesc: f.serviceDesc,
		HTTP:        f.http,
		Gateway:     f.gateway,
		GatewayDial: f.gatewayDial,
		Metrics:     newMetrics(f.rec),
		InProcess:   f.inProcess,
	}
}
