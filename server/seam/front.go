package seam

import (
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/tap"
)

// FrontOptions are those of grpc-go's own options that the wrappers need the
// place of. Set them here and not on the server.
type FrontOptions struct {
	// Tap is asked about every request after it has been noted, and may refuse
	// it. It runs on the goroutine that reads the connection.
	Tap tap.ServerInHandle
	// StreamWorkers says that the server has stream workers, so that it is looked
	// up for each request whether one of them handles it.
	StreamWorkers bool
}

// frontState is what an Observer knows of grpc-go's side of the server.
type frontState struct {
	services map[string]methods  // filled while services are registered, which ends before serving begins
	streams  map[string]struct{} // the streaming ones among their methods, by full name; filled likewise
	conns    sync.Map            // *serverConn → struct{}; those that may have unfinished requests
}

// frontSeams are the wrappers that observe grpc-go.
type frontSeams struct {
	Accept, Listener         func(net.Listener) net.Listener
	Creds                    func(credentials.TransportCredentials) credentials.TransportCredentials
	Options                  []grpc.ServerOption
	OuterUnary, InnerUnary   grpc.UnaryServerInterceptor
	OuterStream, InnerStream grpc.StreamServerInterceptor
	ServiceDesc              func(*grpc.ServiceDesc) *grpc.ServiceDesc
}

// front returns the wrappers for one server. All of them must be installed, for
// they work together.
func (o *Observer) front() frontSeams {
	o.services, o.streams = make(map[string]methods), make(map[string]struct{})
	return frontSeams{
		Accept:   func(l net.Listener) net.Listener { return &acceptListener{Listener: l, o: o} },
		Listener: func(l net.Listener) net.Listener { return &listener{Listener: l, o: o} },
		Creds: func(c credentials.TransportCredentials) credentials.TransportCredentials {
			return handshaker{c, o}
		},
		Options: []grpc.ServerOption{
			grpc.ReadBufferSize(0), // serverConn has the buffer instead, so that frames pass it as they are consumed
			grpc.InTapHandle(o.tap),
			grpc.StatsHandler(statsHandler{o}),
			grpc.ForceServerCodecV2(protoCodec()),
		},
		OuterUnary: o.outerUnary, InnerUnary: o.innerUnary,
		OuterStream: o.outerStream, InnerStream: o.innerStream,
		ServiceDesc: o.serviceDesc,
	}
}
