package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/soheilhy/cmux"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"go.etcd.io/etcd/client/pkg/v3/transport"
)

// serve accepts the clients of an address until the node stops, and passes them to
// grpc-go or net/http. It returns the reason when it ends. It is serveCtx.serve upstream.
//
// cmux decides by the first bytes that a client sends:
//
//	the preface of HTTP/2          grpc-go
//	a request line of HTTP/1       net/http
//	TLS that offers only HTTP/2    grpc-go, which makes the handshake itself
//	TLS that offers anything else  net/http, which passes gRPC requests to grpc-go
//
// An address with a single protocol has no cmux.
func (n *Node) serve(sctx *serveCtx) error {
	n.announce(sctx)
	l := sctx.l
	if n.seams.Accept != nil {
		l = n.seams.Accept(l)
	}
	switch {
	case sctx.http || sctx.secure && sctx.insecure:
		return n.serveShared(sctx, l)
	case sctx.secure:
		return n.serveGRPCS(l)
	default:
		return n.serveGRPC(l)
	}
}

// serveShared serves an address with several protocols. cmux tries the matchers in the
// order in which they are added, so offersHTTP2Only must come before speaksTLS.
func (n *Node) serveShared(sctx *serveCtx, l net.Listener) error {
	m := cmux.New(&retryingListener{Listener: l, lg: n.lg, stopping: n.stopping.Done()})
	m.SetReadTimeout(n.cfg.ConnectionTimeout)
	match := func(matcher cmux.Matcher) net.Listener {
		return m.MatchWithWriters(n.pending.matcher(matcher))
	}
	m.HandleError(func(err error) bool {
		n.lg.Debug("client connection refused", zap.Error(err))
		return true
	})
	if sctx.grpc && sctx.insecure {
		n.serveProtocol(sctx, match(cmux.HTTP2()), n.serveGRPC)
	}
	if sctx.http && sctx.insecure {
		n.serveProtocol(sctx, match(cmux.HTTP1()), n.serveHTTP)
	}
	if sctx.grpc && sctx.secure && !n.cfg.ServeTLSThroughHTTP {
		matcher := offersHTTP2Only
		if !sctx.http {
			matcher = speaksTLS
		}
		n.serveProtocol(sctx, match(matcher), n.serveGRPCS)
	}
	if sctx.http && sctx.secure {
		n.serveProtocol(sctx, match(speaksTLS), n.serveHTTPS)
	}
	return m.Serve()
}

// serveProtocol starts to serve one of the protocols of an address.
func (n *Node) serveProtocol(sctx *serveCtx, l net.Listener, serve func(net.Listener) error) {
	n.wg.Go(func() { n.serveEnded(sctx, serve(l)) })
}

// serveEnded is called when serving an address has ended with err. It makes the node fail
// with an *AddrError, unless the node is being stopped or the server was.
func (n *Node) serveEnded(sctx *serveCtx, err error) {
	select {
	case <-n.stopping.Done():
		return
	default:
	}
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) && !errors.Is(err, http.ErrServerClosed) {
		n.fail(&AddrError{Addr: sctx.l.Addr(), Err: err})
	}
}

// AddrError is the error on Node.Err when an address cannot be served any more.
type AddrError struct {
	Addr net.Addr
	Err  error
}

func (e *AddrError) Error() string {
	return "serve clients on " + e.Addr.String() + ": " + e.Err.Error()
}

// Unwrap returns Err.
func (e *AddrError) Unwrap() error { return e.Err }

// serveGRPC has grpc-go serve plaintext connections, serveGRPCS those that begin with a
// TLS handshake.
func (n *Node) serveGRPC(l net.Listener) error  { return n.serveTransport(l, false) }
func (n *Node) serveGRPCS(l net.Listener) error { return n.serveTransport(l, true) }

func (n *Node) serveTransport(l net.Listener, secure bool) error {
	l = &grpcListener{Listener: l, secure: secure, userTimeout: userTimeout(&n.cfg), pending: &n.pending}
	if n.seams.Listener != nil {
		l = n.seams.Listener(l)
	}
	return n.grpc.Serve(l)
}

// serveHTTP has net/http serve plaintext connections.
func (n *Node) serveHTTP(l net.Listener) error {
	if n.seams.HTTPListener != nil {
		l = n.seams.HTTPListener(l)
	}
	return n.httpServer.Serve(l)
}

// serveHTTPS has net/http serve connections that begin with a TLS handshake. net/http gets
// them when the handshake is complete.
func (n *Node) serveHTTPS(l net.Listener) error {
	if n.seams.HTTPListener != nil {
		l = n.seams.HTTPListener(l)
	}
	info := n.cfg.ClientTLSInfo
	info.HandshakeFailure = n.handshakeFailed
	secure, err := transport.NewTLSListener(l, &info)
	if err != nil {
		_ = l.Close()
		return err
	}
	return n.httpServer.Serve(secure)
}

// announce logs how an address is served. It warns if the address is in plaintext and
// other machines can reach it.
func (n *Node) announce(sctx *serveCtx) {
	traffic := "grpc+http"
	switch {
	case !sctx.http:
		traffic = "grpc"
	case !sctx.grpc:
		traffic = "http"
	}
	fields := []zap.Field{zap.String("traffic", traffic), zap.Stringer("address", sctx.l.Addr())}
	if sctx.secure {
		n.lg.Info("serving client traffic securely", fields...)
	}
	if !sctx.insecure {
		return
	}
	if isPublic(sctx.l.Addr()) {
		n.lg.Warn("serving client traffic in clear on an address that other machines can reach: anyone there can read and write every key", fields...)
		return
	}
	n.lg.Info("serving client traffic in clear, to this machine alone", fields...)
}

// isPublic reports whether other machines can reach an address.
func isPublic(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// The names of the protocols in ALPN.
const (
	alpnHTTP2 = "h2"
	alpnHTTP1 = "http/1.1"
)

// speaksTLS matches a connection that begins with a complete ClientHello.
func speaksTLS(r io.Reader) bool { return clientHello(r) != nil }

// offersHTTP2Only matches a TLS connection whose client offers HTTP/2 but not HTTP/1, as
// gRPC's own clients do. A client that offers both is most often a browser or curl, and
// net/http can serve it either way.
func offersHTTP2Only(r io.Reader) bool {
	hello := clientHello(r)
	return hello != nil && slices.Contains(hello.SupportedProtos, alpnHTTP2) &&
		!slices.Contains(hello.SupportedProtos, alpnHTTP1)
}

// errHelloSeen ends a handshake after its first message has been parsed.
var errHelloSeen = errors.New("client hello seen")

// clientHello reads the first message of a TLS handshake and returns it, or nil if r begins
// with anything else. It blocks until it has read a whole message or r fails. crypto/tls
// exports no parser, so a TLS server that gives up after the first message does it.
func clientHello(r io.Reader) (hello *tls.ClientHelloInfo) {
	server := tls.Server(readOnlyConn{r: r}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = h
			return nil, errHelloSeen
		},
	})
	// The error is errHelloSeen, or says why there is no ClientHello. Reads from r have
	// a deadline, so the handshake ends in any case.
	_ = server.HandshakeContext(context.Background())
	return hello
}

// readOnlyConn reads from r and discards what is written: the alert with which the
// handshake ends.
type readOnlyConn struct {
	net.Conn
	r io.Reader
}

func (c readOnlyConn) Read(p []byte) (int, error)     { return c.r.Read(p) }
func (readOnlyConn) Write(p []byte) (int, error)      { return len(p), nil }
func (readOnlyConn) SetWriteDeadline(time.Time) error { return nil }
func (readOnlyConn) RemoteAddr() net.Addr             { return nil }
func (readOnlyConn) LocalAddr() net.Addr              { return nil }
func (readOnlyConn) Close() error                     { return nil }

// matcher returns match for cmux. The connection is pending while match reads from it.
func (p *pendingConns) matcher(match cmux.Matcher) cmux.MatchWriter {
	return func(w io.Writer, r io.Reader) bool {
		conn, ok := w.(net.Conn) // cmux passes the connection itself
		if !ok || !p.add(conn) {
			return false
		}
		defer p.remove(conn)
		return match(r)
	}
}
