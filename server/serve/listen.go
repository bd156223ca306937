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

// ListenError is returned by Start when an address cannot be listened on. It
// wraps what the system said, so that errors.Is(err, syscall.EADDRINUSE) tells
// whether another process has it.
type ListenError struct {
	// For is "client" or "peer", for which side the address was meant.
	For string
	// URL is the address as it was configured.
	URL url.URL
	// Err is the error of net.Listen.
	Err error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s URL %s: %v", e.For, e.URL.String(), e.Err)
}

// Unwrap returns the error of net.Listen.
func (e *ListenError) Unwrap() error { return e.Err }

// listen opens one listener for each URL. When one fails, those before it are
// closed again.
func listen(ctx context.Context, side string, urls types.URLs) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, u := range urls {
		l, err := listenURL(ctx, side, u)
		if err != nil {
			closeAll(listeners)
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func listenURL(ctx context.Context, side string, u url.URL) (net.Listener, error) {
	network, addr, _ := resolveURL(u)
	if network == "unix" {
		// A socket file that a killed process left behind is in the way.
		if err := os.Remove(addr); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, &ListenError{For: side, URL: u, Err: err}
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, addr)
	if err != nil {
		return nil, &ListenError{For: side, URL: u, Err: err}
	}
	return l, nil
}

// resolveURL takes a URL apart as package net wants it. It is upstream's function
// of that name.
func resolveURL(u url.URL) (network, addr string, secure bool) {
	switch u.Scheme {
	case "unix", "unixs":
		return "unix", u.Host + u.Path, u.Scheme == "unixs"
	default:
		return "tcp", u.Host, u.Scheme == "https"
	}
}

// closeAll closes listeners of which nobody else knows yet, or any more. That a
// listener was closed before is not an error worth telling.
func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// reservedFDs are the file descriptors that clients' connections leave for the
// log, the database and what else the node opens. It is etcd's number.
const reservedFDs = 150

// serveCtx is one address on which clients are served. It stands for embed's
// type of that name.
type serveCtx struct {
	l       net.Listener
	network string
	addr    string // as it was configured

	// Both may be asked of one address.
	secure, insecure bool
	// grpc and http say what is spoken there: both, unless HTTP was given
	// addresses of its own.
	grpc, http bool
}

// serveCtxs are the addresses in the order of their URLs.
type serveCtxs []*serveCtx

// listenClients opens the addresses of urls and httpURLs, each once. It stands
// for embed's configureClientListeners.
func (n *Node) listenClients(ctx context.Context) error {
	urls, httpURLs := n.cfg.ListenClientURLs, n.cfg.ListenClientHTTPURLs
	split := len(httpURLs) > 0
	for _, u := range urls {
		sctx, err := n.clientAddress(ctx, u)
		if err != nil {
			return err
		}
		sctx.grpc, sctx.http = true, !split
	}
	for _, u := range httpURLs {
		if n.clients.at(u) != nil && n.clients.at(u).grpc {
			return &ListenError{For: "client", URL: u, Err: errors.New("the address is given for gRPC as well")}
		}
		sctx, err := n.clientAddress(ctx, u)
		if err != nil {
			return err
		}
		sctx.http = true
	}
	return nil
}

// clientAddress opens the address of u, unless it is open already: for http and
// for https.
func (n *Node) clientAddress(ctx context.Context, u url.URL) (*serveCtx, error) {
	network, addr, secure := resolveURL(u)
	sctx := n.clients.at(u)
	if sctx == nil {
		l, err := listenURL(ctx, "client", u)
		if err != nil {
			return nil, err
		}
		sctx = &serveCtx{l: n.limited(l), network: network, addr: addr}
		n.clients = append(n.clients, sctx)
	}
	sctx.secure = sctx.secure || secure
	sctx.insecure = sctx.insecure || !secure
	if !secure && !n.cfg.ClientTLSInfo.Empty() {
		n.lg.Warn("the certificate is for https addresses alone; this one is served in clear", zap.String("url", u.String()))
	}
	return sctx, nil
}

// limited keeps clients from taking the last file descriptors. Where the system
// does not tell how many there are, nothing is limited.
func (n *Node) limited(l net.Listener) net.Listener {
	limit, err := runtime.FDLimit()
	if err != nil || limit <= reservedFDs || limit > 1<<31 {
		return l
	}
	return &limitedListener{Listener: l, places: make(chan struct{}, int(limit)-reservedFDs), stopping: n.stopping.Done()}
}

// at returns the context of a URL, or nil.
func (s serveCtxs) at(u url.URL) *serveCtx {
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

// urls returns those of configured with the ports that the system chose.
func (s serveCtxs) urls(configured types.URLs) types.URLs {
	urls := slices.Clone(configured)
	for i := range urls {
		if sctx := s.at(urls[i]); sctx.network != "unix" {
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
		addrs[i] = s.at(u).l.Addr()
	}
	return addrs
}

// close closes the listeners.
func (s serveCtxs) close() {
	for _, sctx := range s {
		_ = sctx.l.Close() // it may be closed already
	}
}
