package serve

import (
	"crypto/tls"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"glasskv/server/etcdserver"
	"glasskv/server/v3rpc"
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

	// V3RPC holds the seams of the handlers.
	V3RPC v3rpc.Seams

	// Accept wraps each client listener as it was opened. What it accepts goes
	// to cmux, or straight to grpc-go or net/http where an address serves only
	// one of them.
	Accept func(net.Listener) net.Listener

	// Listener wraps each listener that grpc-go accepts client connections
	// from, behind cmux, and through it the connections.
	Listener func(net.Listener) net.Listener

	// HTTPListener wraps each listener that net/http accepts client connections
	// from, behind cmux and below TLS.
	HTTPListener func(net.Listener) net.Listener

	// Creds wraps the credentials of the gRPC server: TLS, or none.
	Creds func(credentials.TransportCredentials) credentials.TransportCredentials

	// HandshakeFailure is told why a client that net/http would have served was
	// refused in its TLS handshake, just before the connection is closed.
	// grpc-go's clients are Creds' matter.
	HandshakeFailure func(*tls.Conn, error)

	// HTTP wraps the outermost handler of requests that come as HTTP/1, and
	// Gateway, further in, the part of it that makes gRPC calls of them.
	HTTP    func(http.Handler) http.Handler
	Gateway func(http.Handler) http.Handler

	// GatewayDial returns options for the connection over which the gateway
	// calls this server, which creds secures. They come before the node's own.
	GatewayDial func(creds credentials.TransportCredentials) []grpc.DialOption

	// ServeHTTP wraps the gRPC server where it stands behind net/http, as in
	// etcd under TLS.
	ServeHTTP func(http.Handler) http.Handler

	// Metrics are shown on /metrics beside those of etcd's packages.
	Metrics prometheus.Gatherer

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

	// InProcess wraps the handlers as the node itself calls them, without a
	// connection, to serve locks and elections. What a caller's context carries
	// reaches them. Handlers that it does not wrap stay as they are.
	InProcess func(v3rpc.Services) v3rpc.Services

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
