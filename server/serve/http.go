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

// Limits for clients of net/http.
const (
	// httpIdleTimeout is how long a connection may be idle between two requests.
	httpIdleTimeout = 2 * time.Minute
	// maxHeaderBytes is the limit for the headers of a request, over HTTP/1 and HTTP/2.
	// Those of etcd's own clients take a few hundred bytes.
	maxHeaderBytes = 64 << 10
)

// newHTTPServer returns the server for connections that are not passed to grpc-go's own
// transport. All addresses share it. A client has ConnectionTimeout to send its headers,
// as it has for a handshake; etcd waits 5 minutes.
func (n *Node) newHTTPServer() *http.Server {
	return &http.Server{
		Handler:           n.grpcHandlerFunc(),
		ReadHeaderTimeout: n.cfg.ConnectionTimeout,
		IdleTimeout:       httpIdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // clients' mistakes are of no use to the operator
		ConnContext:       withConn,
		ConnState:         n.pending.connState,
		// Above MaxInt32 net/http uses its default instead, which is 250.
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: int(min(n.cfg.MaxConcurrentStreams, math.MaxInt32))},
	}
}

// grpcHandlerFunc returns a handler that passes gRPC requests to grpc-go's ServeHTTP, and
// all others to the pages and the gateway. net/http serves HTTP/2 over TLS only, so all
// gRPC requests here came over TLS. Upstream has a function of the same name.
func (n *Node) grpcHandlerFunc() http.Handler {
	var grpcServer http.Handler = n.grpc
	if n.seams.ServeHTTP != nil {
		grpcServer = n.seams.ServeHTTP(grpcServer)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.Contains(r.Header.Get("Content-Type"), "application/grpc") {
			grpcServer.ServeHTTP(w, r)
		} else {
			n.http.handler.ServeHTTP(w, r)
		}
	})
}

type connKey struct{}

func withConn(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, conn)
}

// ConnFromContext returns the connection that an HTTP request came on, from the request's
// context. It is a *tls.Conn under TLS, and nil if ctx is not from an HTTP request. The
// caller must not read from it or write to it.
func ConnFromContext(ctx context.Context) net.Conn {
	conn, _ := ctx.Value(connKey{}).(net.Conn)
	return conn
}

// handshakeFailed is called when a TLS handshake by net/http has failed, before
// the connection is closed.
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
	handler       http.Handler
	gateway       *gateway // nil if it is switched off
	metrics       nodeMetrics
	metricsServer metricsServer
}

// openHTTP makes the handlers. The raft side and the clients' listeners must be open.
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

// closeHTTP closes the gateway's connection and the metrics' addresses. No request may be
// under way any more.
func (n *Node) closeHTTP() {
	n.http.metricsServer.close(n.lg)
	if n.http.gateway == nil {
		return
	}
	if err := n.http.gateway.conn.Close(); err != nil {
		n.lg.Warn("close the gateway's connection", zap.Error(err))
	}
}

// createMux returns the gateway and the pages by their paths.
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

// addUserHandlers adds the embedding program's pages. It leaves out a pattern that is
// malformed or taken, and logs that.
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
	// maxPageBodyBytes is the limit for the body of a request for a page; no page reads it.
	maxPageBodyBytes = 4 << 10

	// bodyTimeout is how long a body may take to arrive.
	bodyTimeout = time.Minute
)

// maxBodyBytes returns the limit for the body of a request to the gateway: the largest
// message that gRPC would accept, in base64, and some JSON around it.
func maxBodyBytes(cfg *Config) int64 {
	message := int64(cfg.MaxRequestBytes) + grpcOverheadBytes
	return message/3*4 + grpcOverheadBytes
}

// limitBody returns next behind a limit for the body's size, in bytes, and for the time
// that it takes. etcd has no such limits: a body without end fills its memory.
func limitBody(limit int64, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close")
			http.Error(w, "request body too large", http.StatusRequestEntityTooLarge)
			return
		}
		if r.ContentLength != 0 {
			r.Body = newTimedBody(w, http.MaxBytesReader(w, r.Body, limit))
		}
		next.ServeHTTP(w, r)
	})
}

// timedBody is a request's body that must arrive before a deadline.
type timedBody struct {
	io.ReadCloser
	conn *http.ResponseController
}

// newTimedBody returns the body with a deadline of bodyTimeout from now. If the writer
// does not support deadlines, the body gets none: such a writer has no connection, so
// its body cannot be slow.
func newTimedBody(w http.ResponseWriter, body io.ReadCloser) *timedBody {
	b := &timedBody{body, http.NewResponseController(w)}
	_ = b.conn.SetReadDeadline(time.Now().Add(bodyTimeout))
	return b
}

// Read clears the deadline at the end of the body: from then on net/http reads from the
// connection to notice when the client goes away, and a watch may take hours.
func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// handleVersion adds /version to mux. The server's version is that of the etcd release
// whose API this is. It is etcdhttp.HandleVersion upstream.
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

// allowMethod returns true if the request has the method. Otherwise it answers the request
// and returns false.
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
	_, _ = w.Write(b) // fails only if the client has gone away
}
