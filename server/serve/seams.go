package serve

import (
	"net"

	"google.golang.org/grpc"

	"glasskv/server/etcdserver"
)

// Seams are the places where a node can be wrapped without editing it: the
// raft side's own, and those that grpc-go offers around it. The zero value is
// the plain node.
//
// A wrapper may observe, wait or fail. Nothing here knows which, so the same
// places serve for tracing now and for faults and holds later. Every function is
// called once, before the first connection is accepted; Listener once for each
// address.
type Seams struct {
	// Server holds the seams of the raft side.
	Server etcdserver.Seams

	// Listener wraps each listener that grpc-go accepts client connections
	// from, and through it the connections.
	Listener func(net.Listener) net.Listener

	// Options come after the node's own, so that they win: credentials, the
	// tap, a stats handler, a codec, the size of the read buffer.
	Options []grpc.ServerOption

	// Interceptors stand at both ends of the node's own chain.
	Interceptors Interceptors

	// ServiceDesc is given each service as it is registered, and returns the
	// description to register in its place. It must leave its argument alone,
	// which is shared by all servers of the process; its handlers see a request
	// before it is decoded and the reply before it is encoded.
	ServiceDesc func(*grpc.ServiceDesc) *grpc.ServiceDesc

	// Stopping is called once, when Stop begins and before any request is cut
	// off.
	Stopping func()
}

// Interceptors are the first and the last of the chain that a call passes
// before its handler. Those that are nil are left out.
type Interceptors struct {
	OuterUnary  grpc.UnaryServerInterceptor
	InnerUnary  grpc.UnaryServerInterceptor
	OuterStream grpc.StreamServerInterceptor
	InnerStream grpc.StreamServerInterceptor
}
