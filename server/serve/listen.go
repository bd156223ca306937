package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"slices"

	"go.uber.org/zap"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/pkg/v3/runtime"
)

// ListenError is returned by Start when an address cannot be listened on. It wraps the
// system's error: errors.Is(err, syscall.EADDRINUSE) reports whether another process
// listens there.
type ListenError struct {
	// For is "client", "peer" or "metrics": what the address is for.
	For string
	// URL is the address as it was configured.
	URL url.URL
	// Err is the error of net.Listen, or says why the address cannot be used.
	Err error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s URL %s: %v", e.For, e.URL.String(), e.Err)
}

// Unwrap returns Err.
func (e *ListenError) Unwrap() error { return e.Err }

// listen opens a listener for each URL. If it fails, it returns a *ListenError, and no
// listener is left open. The purpose becomes ListenError.For.
func listen(ctx context.Context, purpose string, urls types.URLs) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, u := range urls {
		l, err := listenURL(ctx, purpose, u)
		if err != nil {
			closeAll(listeners)
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func listenURL(ctx context.Context, purpose string, u url.URL) (net.Listener, error) {
	network, addr, _ := resolveURL(u)
	if network == "unix" {
		// A process that was killed leaves its socket file behind, which makes Listen fail.
		if err := os.Remove(addr); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, &ListenError{For: purpose, URL: u, Err: err}
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, addr)
	if err != nil {
		return nil, &ListenError{For: purpose, URL: u, Err: err}
	}
	return l, nil
}

// resolveURL returns a URL's network and address for package net, and whether it is for TLS.
// Upstream has a function of the same name.
func resolveURL(u url.URL) (network, addr string, secure bool) {
	switch u.Scheme {
	case "unix", "unixs":
		return "unix", u.Host + u.Path, u.Scheme == "unixs"
	default:
		return "tcp", u.Host, u.Scheme == "https"
	}
}

// closeAll closes the listeners. Some may be closed already.
func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// reservedFDs is how many file descriptors are kept from clients' connections, for the log,
// the database and other files. It is etcd's number.
const reservedFDs = 150

// serveCtx is an address on which clients are served. Upstream, embed has a type of the same
// name.
type serveCtx struct {
	l       net.Listener
	network string
	addr    string // the address as it was configured

	secure, insecure bool // served with TLS, in plaintext, or both
	grpc, http       bool // both, unless ListenClientHTTPURLs is set
}

// serveCtxs are the addresses, in the order of their URLs and without duplicates.
type serveCtxs []*serveCtx

// listenClients opens the addresses of ListenClientURLs and ListenClientHTTPURLs, each once.
// It is embed's configureClientListeners upstream.
func (n *Node) listenClients(ctx context.Context) error {
	urls, httpURLs := n.cfg.ListenClientURLs, n.cfg.ListenClientHTTPURLs
	split := len(httpURLs) > 0
	for _, u := range urls {
		sctx, err := n.openClientAddress(ctx, u)
		if err != nil {
			return err
		}
		sctx.grpc, sctx.http = true, !split
	}
	for _, u := range httpURLs {
		if n.clients.find(u) != nil && n.clients.find(u).grpc {
			return &ListenError{For: "client", URL: u, Err: errors.New("the address is given for gRPC as well")}
		}
		sctx, err := n.openClientAddress(ctx, u)
		if err != nil {
			return err
		}
		sctx.http = true
	}
	return nil
}

// openClientAddress returns the address of u, and opens it unless it is open already: http
// and https URLs may share an address.
func (n *Node) openClientAddress(ctx context.Context, u url.URL) (*serveCtx, error) {
	network, addr, secure := resolveURL(u)
	sctx := n.clients.find(u)
	if sctx == nil {
		l, err := listenURL(ctx, "client", u)
		if err != nil {
			return nil, err
		}
		sctx = &serveCtx{l: n.limitConnections(l), network: network, addr: addr}
		n.clients = append(n.clients, sctx)
	}
	sctx.secure = sctx.secure || secure
	sctx.insecure = sctx.insecure || !secure
	if !secure && !n.cfg.ClientTLSInfo.Empty() {
		n.lg.Warn("the certificate is for https addresses alone; this one is served in clear", zap.String("url", u.String()))
	}
	return sctx, nil
}

// limitConnections returns a listener that leaves reservedFDs file descriptors free. It
// returns l itself if the limit of the process is not known, or too low or high to matter.
func (n *Node) limitConnections(l net.Listener) net.Listener {
	limit, err := runtime.FDLimit()
	if err != nil || limit <= reservedFDs || limit > 1<<31 {
		return l
	}
	return &limitedListener{Listener: l, slots: make(chan struct{}, int(limit)-reservedFDs), stopping: n.stopping.Done()}
}

// find returns the address of u, or nil if it is not open.
func (s serveCtxs) find(u url.URL) *serveCtx {
	network, addr, _ := resolveURL(u)
	i := slices.IndexFunc(s, func(c *serveCtx) bool { return c.network == network && c.addr == addr })
	if i < 0 {
		return nil
	}
	return s[i]
}

// hosts returns the addresses as they were configured.
func (s serveCtxs) hosts() []string {
	hosts := make([]string, len(s))
	for i, sctx := range s {
		hosts[i] = sctx.addr
	}
	return hosts
}

// urls returns the configured URLs, sorted, with the ports that the system chose.
func (s serveCtxs) urls(configured types.URLs) types.URLs {
	urls := slices.Clone(configured)
	for i := range urls {
		if sctx := s.find(urls[i]); sctx.network != "unix" {
			urls[i].Host = sctx.l.Addr().String()
		}
	}
	urls.Sort()
	return urls
}

// addrs returns the addresses of urls.
func (s serveCtxs) addrs(urls types.URLs) []net.Addr {
	addrs := make([]net.Addr, len(urls))
	for i, u := range urls {
		addrs[i] = s.find(u).l.Addr()
	}
	return addrs
}

// close closes the listeners.
func (s serveCtxs) close() {
	for _, sctx := range s {
		_ = sctx.l.Close() // it may be closed already
	}
}
