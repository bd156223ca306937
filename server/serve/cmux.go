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

// serve accepts the clients of one address until the node stops, and gives them
// to grpc-go or to net/http. It stands for serveCtx.serve.
//
// What a client speaks is found out by cmux from the first bytes that it sends:
//
//	the preface of HTTP/2          grpc-go
//	a request line of HTTP/1       net/http
//	TLS, and HTTP/2 inside         grpc-go, which goes through the handshake itself
//	TLS, and anything else inside  net/http, which passes gRPC requests on
//
// An address for gRPC alone has nothing to find out.
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

// serveShared tells the clients of one address apart. cmux asks the matchers in
// the order in which they are given to it.
func (n *Node) serveShared(sctx *serveCtx, l net.Listener) error {
	m := cmux.New(&patientListener{Listener: l, lg: n.lg, stopping: n.stopping.Done()})
	m.SetReadTimeout(n.cfg.ConnectionTimeout)
	match := func(matcher cmux.Matcher) net.Listener {
		return m.MatchWithWriters(n.pending.matcher(matcher))
	}
	m.HandleError(func(err error) bool {
		n.lg.Debug("client connection refused", zap.Error(err))
		return true
	})
	if sctx.grpc && sctx.insecure {
		n.start(sctx, match(cmux.HTTP2()), n.serveGRPC)
	}
	if sctx.http && sctx.insecure {
		n.start(sctx, match(cmux.HTTP1()), n.serveHTTP)
	}
	if sctx.grpc && sctx.secure && !n.cfg.ServeTLSThroughHTTP {
		only := offersHTTP2Only
		if !sctx.http {
			only = speaksTLS
		}
		n.start(sctx, match(only), n.serveGRPCS)
	}
	if sctx.http && sctx.secure {
		n.start(sctx, match(speaksTLS), n.serveHTTPS)
	}
	return m.Serve()
}

// start serves one of the protocols of an address, beside the others.
func (n *Node) start(sctx *serveCtx, l net.Listener, serve func(net.Listener) error) {
	n.wg.Go(func() { n.served(sctx, serve(l)) })
}

// served is called when serving has ended. While the node is being stopped that
// is no failure, whatever the reason that is given.
func (n *Node) served(sctx *serveCtx, err error) {
	select {
	case <-n.stopping.Done():
		return
	default:
	}
	if err != nil && !errors.Is(err, grpc.ErrServerStopped) && !errors.Is(err, http.ErrServerClosed) {
		n.fail(&AddrError{Addr: sctx.l.Addr(), Err: err})
	}
}

// AddrError is what Err returns when an address cannot be served any more.
type AddrError struct {
	Addr net.Addr
	Err  error
}

func (e *AddrError) Error() string {
	return "serve clients on " + e.Addr.String() + ": " + e.Err.Error()
}

// Unwrap returns the error of Accept.
func (e *AddrError) Unwrap() error { return e.Err }

// serveGRPC lets grpc-go accept connections in clear, and serveGRPCS those that
// begin with a TLS handshake.
func (n *Node) serveGRPC(l net.Listener) error  { return n.serveTransport(l, false) }
func (n *Node) serveGRPCS(l net.Listener) error { return n.serveTransport(l, true) }

func (n *Node) serveTransport(l net.Listener, secure bool) error {
	l = &grpcListener{Listener: l, secure: secure, userTimeout: userTimeout(&n.cfg), pending: &n.pending}
	if n.seams.Listener != nil {
		l = n.seams.Listener(l)
	}
	return n.grpc.Serve(l)
}

// serveHTTP lets net/http accept connections.
func (n *Node) serveHTTP(l net.Listener) error {
	if n.seams.HTTPListener != nil {
		l = n.seams.HTTPListener(l)
	}
	return n.httpServer.Serve(l)
}

// serveHTTPS lets net/http accept connections that begin with a TLS handshake.
// The handshake is over when net/http gets them.
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

// announce says how an address is served, and warns where anyone can listen in.
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

// isPublic reports whether others than this machine can reach an address.
func isPublic(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// The protocols that a client may offer by ALPN, in the words of crypto/tls.
const (
	alpnHTTP2 = "h2"
	alpnHTTP1 = "http/1.1"
)

// speaksTLS matches a connection that begins as TLS does, with a whole
// ClientHello.
func speaksTLS(r io.Reader) bool { return clientHello(r) != nil }

// offersHTTP2Only matches a TLS connection whose client wants HTTP/2 and would
// take nothing else, as gRPC's own clients do. One that would take HTTP/1 as well
// is a browser or curl more often than not, and net/http can serve it whatever it
// asks for.
func offersHTTP2Only(r io.Reader) bool {
	hello := clientHello(r)
	return hello != nil && slices.Contains(hello.SupportedProtos, alpnHTTP2) &&
		!slices.Contains(hello.SupportedProtos, alpnHTTP1)
}

// errHelloSeen ends a handshake as soon as its first message is understood.
var errHelloSeen = errors.New("client hello seen")

// clientHello reads the first message of a TLS handshake and answers nothing. It
// returns nil for what is no such message. crypto/tls has no parser to call, so
// a server that never gets further is its parser.
func clientHello(r io.Reader) (hello *tls.ClientHelloInfo) {
	server := tls.Server(deafConn{r: r}, &tls.Config{
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			hello = h
			return nil, errHelloSeen
		},
	})
	// It ends with errHelloSeen, or there is nothing to see. Who reads has a
	// deadline, so it ends in any case.
	_ = server.HandshakeContext(context.Background())
	return hello
}

// deafConn is a connection to read from. What is written to it goes nowhere: it
// is the alert that tells of the handshake's end.
type deafConn struct {
	net.Conn
	r io.Reader
}

func (c deafConn) Read(p []byte) (int, error)     { return c.r.Read(p) }
func (deafConn) Write(p []byte) (int, error)      { return len(p), nil }
func (deafConn) SetWriteDeadline(time.Time) error { return nil }
func (deafConn) RemoteAddr() net.Addr             { return nil }
func (deafConn) LocalAddr() net.Addr              { return nil }
func (deafConn) Close() error                     { return nil }

// matcher makes a matcher for cmux out of match. While it waits for what the
// client says, the connection is pending.
func (p *pending) matcher(match cmux.Matcher) cmux.MatchWriter {
	return func(w io.Writer, r io.Reader) bool {
		conn, ok := w.(net.Conn) // cmux passes the connection itself
		if !ok || !p.begin(conn) {
			return false
		}
		defer p.end(conn)
		return match(r)
	}
}
