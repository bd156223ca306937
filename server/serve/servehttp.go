package serve

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// Bounds for clients that speak to net/http.
const (
	// httpIdleTimeout is how long a connection may stand by between two requests.
	httpIdleTimeout = 2 * time.Minute
	// maxHeaderBytes bounds the headers of a request, over HTTP/1 and over HTTP/2
	// alike. etcd's own headers are a few hundred bytes.
	maxHeaderBytes = 64 << 10
)

// newHTTPServer makes what serves connections that do not go to grpc-go's own
// transport. All addresses share it. etcd waits 5 minutes for headers; here a
// client has as long as for a handshake.
func (n *Node) newHTTPServer() *http.Server {
	return &http.Server{
		Handler:           n.grpcHandlerFunc(),
		ReadHeaderTimeout: n.cfg.ConnectionTimeout,
		IdleTimeout:       httpIdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong is not the operator's concern
		ConnContext:       withConn,
		ConnState:         n.pending.connState,
		// Above MaxInt32, net/http takes its default instead, which is 250.
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: int(min(n.cfg.MaxConcurrentStreams, math.MaxInt32))},
	}
}

// grpcHandlerFunc gives gRPC requests to grpc-go, by way of ServeHTTP, and all
// others to the pages and the gateway. net/http speaks HTTP/2 over TLS only, so
// gRPC requests that get here came that way. It is upstream's function of that
// name.
func (n *Node) grpcHandlerFunc() http.Handler {
	var grpcServer http.Handler = n.grpc
	if n.seams.ServeHTTP != nil {
		grpcServer = n.seams.ServeHTTP(grpcServer)
	}
	other := n.httpHandler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.Contains(r.Header.Get("Content-Type"), "application/grpc") {
			grpcServer.ServeHTTP(w, r)
		} else {
			other.ServeHTTP(w, r)
		}
	})
}

type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// ConnFromContext returns the connection that an HTTP request came on, from the
// request's context: a *tls.Conn under TLS, or nil for a context of another kind.
// It is for looking at; who reads from it or writes to it breaks the connection.
func ConnFromContext(ctx context.Context) net.Conn {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	return conn
}

// handshakeFailed is called when a client of net/http's was refused in its
// handshake. The connection is closed right afterwards.
func (n *Node) handshakeFailed(conn *tls.Conn, err error) {
	n.lg.Debug("TLS handshake failed", zap.Stringer("remote", conn.RemoteAddr()), zap.Error(err))
	if n.seams.HandshakeFailure != nil {
		n.seams.HandshakeFailure(conn, err)
	}
}
