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

// Seams are the places where a node can be wrapped without being edited: those of the raft
// side and the handlers, and those that grpc-go and net/http offer. A nil field wraps
// nothing, so the zero value makes a node without wrappers.
//
// A wrapper may observe, wait or fail: tracing, holds and faults all use these places.
// Unless its comment says otherwise, each function is called once, before the first
// connection is accepted; functions for a listener are called once for each address.
type Seams struct {
	// Server holds the seams of the raft side.
	Server etcdserver.Seams

	// V3RPC holds the seams of the handlers.
	V3RPC v3rpc.Seams

	// Accept wraps each client listener as it was opened. Its connections go to cmux, or
	// directly to grpc-go or net/http if the address serves only one of them.
	Accept func(net.Listener) net.Listener

	// Listener wraps each listener that grpc-go accepts client connections from, behind
	// cmux. It can wrap the connections too; they are *GRPCConn.
	Listener func(net.Listener) net.Listener

	// HTTPListener wraps each listener that net/http accepts client connections
	// from, behind cmux and below TLS.
	HTTPListener func(net.Listener) net.Listener

	// Creds wraps the credentials of the gRPC server: TLS, or none.
	Creds func(credentials.TransportCredentials) credentials.TransportCredentials

	// HandshakeFailure is called when a TLS handshake by net/http fails, just before the
	// connection is closed. The handshakes by grpc-go are seen by Creds.
	HandshakeFailure func(*tls.Conn, error)

	// HTTP wraps the outermost handler of all HTTP requests that are not gRPC. Gateway
	// wraps the handler inside it that turns JSON into gRPC calls.
	HTTP    func(http.Handler) http.Handler
	Gateway func(http.Handler) http.Handler

	// GatewayDial returns options for the connection over which the gateway calls this
	// node, with creds among them or wrapped. They replace the node's option for creds
	// and come before its other options.
	GatewayDial func(creds credentials.TransportCredentials) []grpc.DialOption

	// ServeHTTP wraps the gRPC server as the handler that net/http calls, as in etcd
	// under TLS.
	ServeHTTP func(http.Handler) http.Handler

	// Metrics are shown on /metrics too.
	Metrics prometheus.Gatherer

	// Options come after the node's own and override them: the tap, a stats handler, a
	// codec, the size of the read buffer.
	Options []grpc.ServerOption

	// Interceptors are added at both ends of the node's own chain.
	Interceptors Interceptors

	// ServiceDesc is called for each service and returns the description that is
	// registered in its place. It must not change its argument, which all servers of the
	// process share. The handlers in the description get a request before it is decoded
	// and return the reply before it is encoded.
	ServiceDesc func(*grpc.ServiceDesc) *grpc.ServiceDesc

	// InProcess wraps the handlers that the lock and election services call without a
	// connection. The values of the caller's context reach them. It must return all
	// handlers, also those that it does not wrap.
	InProcess func(v3rpc.Services) v3rpc.Services

	// Stopping is called once, when Stop begins and before any request is cut off.
	Stopping func()
}

// Interceptors are the outermost and the innermost interceptors of the chain that a call
// passes before its handler. Those that are nil are left out.
type Interceptors struct {
	OuterUnary  grpc.UnaryServerInterceptor
	InnerUnary  grpc.UnaryServerInterceptor
	OuterStream grpc.StreamServerInterceptor
	InnerStream grpc.StreamServerInterceptor
}
