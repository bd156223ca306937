package serve

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"go.etcd.io/etcd/api/v3/version"

	"glasskv/server/etcdserver"
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

// httpSide is what a node serves to clients that speak HTTP/1. All its listeners
// share it. A request passes the access rules (access.go), then the bounds of its
// body, then reaches a page or the gateway.
type httpSide struct {
	handler http.Handler
	gateway *gateway // nil when it is switched off
	metrics metricsSide
	own     metricsServer
}

// httpHandler returns what serves requests that come as HTTP/1. It stands for
// createAccessController around createMux, upstream in embed.
func (n *Node) httpHandler() http.Handler { return n.http.handler }

// openHTTP makes the handlers. It needs the raft side and the addresses on which
// clients are served.
func (n *Node) openHTTP() error {
	if n.cfg.EnableGRPCGateway {
		gw, err := n.newGateway()
		if err != nil {
			return err
		}
		n.http.gateway = gw
	}
	ac := &accessController{
		lg: n.lg, hosts: n.cfg.HostWhitelist, origins: n.cfg.CORS, next: n.createMux(),
	}
	n.http.handler = ac
	if n.seams.HTTP != nil {
		n.http.handler = n.seams.HTTP(n.http.handler)
	}
	return nil
}

// closeHTTP gives back what openHTTP took. No request may be under way any more.
func (n *Node) closeHTTP() {
	n.http.own.close(n.lg)
	if n.http.gateway == nil {
		return
	}
	if err := n.http.gateway.conn.Close(); err != nil {
		n.lg.Warn("close the gateway's connection", zap.Error(err))
	}
}

// createMux lines up the pages.
func (n *Node) createMux() *http.ServeMux {
	mux := http.NewServeMux()
	if gw := n.http.gateway; gw != nil {
		mux.Handle("/v3/", limitBody(maxBodyBytes(&n.cfg), gw.handler))
	}
	pages := http.NewServeMux()
	handleVersion(pages, n.server)
	handleHealth(n.lg, pages, n.server, &n.http.metrics.health)
	pages.Handle("/metrics", n.http.metrics.handler)
	mux.Handle("/", limitBody(maxPageBodyBytes, pages))
	n.addUserHandlers(mux)
	return mux
}

// addUserHandlers adds the embedding program's pages. A pattern that the mux
// refuses, because it is malformed or taken, is left out and told.
func (n *Node) addUserHandlers(mux *http.ServeMux) {
	for pattern, h := range n.cfg.UserHandlers {
		func() {
			defer func() {
				if r := recover(); r != nil {
					n.lg.Warn("user handler is left out", zap.String("pattern", pattern), zap.Any("reason", r))
				}
			}()
			mux.Handle(pattern, h)
		}()
	}
}

const (
	// maxPageBodyBytes bounds the body of a request for a page; no page reads it.
	maxPageBodyBytes = 4 << 10

	// bodyTimeout bounds how long a body may take to arrive.
	bodyTimeout = time.Minute
)

// maxBodyBytes bounds the body of a request to the gateway: what gRPC would take
// as one message, in base64, and some JSON around it.
func maxBodyBytes(cfg *Config) int64 {
	message := int64(cfg.MaxRequestBytes) + grpcOverheadBytes
	return message/3*4 + grpcOverheadBytes
}

// limitBody bounds what a request may send. etcd has no such bound, so that a
// body without end is read into memory until there is none left.
func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close")
			http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
			return
		}
		if r.ContentLength != 0 {
			r.Body = timedBody(w, http.MaxBytesReader(w, r.Body, limit))
		}
		next.ServeHTTP(w, r)
	})
}

// body is a request's body that must have come by a deadline.
type body struct {
	io.ReadCloser
	conn *http.ResponseController
}

// timedBody sets the deadline. A writer that knows of none is not a connection,
// and then there is nobody who could be slow.
func timedBody(w http.ResponseWriter, of io.ReadCloser) *body {
	b := &body{of, http.NewResponseController(w)}
	_ = b.conn.SetReadDeadline(time.Now().Add(bodyTimeout))
	return b
}

// Read lifts the deadline at the end of the body: from then on net/http reads to
// find out whether the client is still there, and a watch may take hours.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// handleVersion adds /version. The server's version is that of the etcd whose
// API this is. It stands for etcdhttp.HandleVersion.
func handleVersion(mux *http.ServeMux, s *etcdserver.EtcdServer) {
	mux.HandleFunc("/version", func(w http.ResponseWriter, r *http.Request) {
		if !allowMethod(w, r, http.MethodGet) {
			return
		}
		vs := version.Versions{Server: version.Version, Cluster: "not_decided", Storage: "unknown"}
		if v := s.Cluster().Version(); v != nil {
			vs.Cluster = v.String()
		}
		if v := s.StorageVersion(); v != nil {
			vs.Storage = v.String()
		}
		writeJSON(w, vs)
	})
}

// allowMethod answers requests by any other method, and then returns false.
func allowMethod(w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	http.Error(w, "Method Not Allowed", http.StatusMethodNotAllowed)
	return false
}

// writeJSON writes v without a newline at the end, as etcd does.
func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // fails only when the client has gone away
}
