package serve

import (
	"errors"
	"net"
	"net/http"

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
