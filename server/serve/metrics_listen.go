package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"

	"go.uber.org/zap"
)

// metricsServer serves /metrics and the health pages on addresses of their own.
type metricsServer struct {
	listeners []net.Listener
	http      *http.Server
}

// listenMetrics opens the addresses. It stands, with serveMetrics, for embed's
// serveMetrics.
func (n *Node) listenMetrics(ctx context.Context) (err error) {
	n.http.own.listeners, err = listen(ctx, "metrics", n.cfg.ListenMetricsURLs)
	return err
}

// serveMetrics begins to serve the addresses. It does not wait for a leader:
// whether there is one is among the things that are asked for.
func (n *Node) serveMetrics() {
	own := &n.http.own
	mux := http.NewServeMux()
	mux.Handle("/metrics", n.http.metrics.handler)
	handleHealth(n.lg, mux, n.server, &n.http.metrics.health)
	own.http = &http.Server{
		Handler:           AccessController(n.lg, n.cfg.HTTPConfig, limitBody(maxPageBodyBytes, mux)),
		ReadHeaderTimeout: n.cfg.ConnectionTimeout,
		IdleTimeout:       httpIdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // what clients do wrong is not the operator's concern
	}
	for i, l := range own.listeners {
		if _, _, secure := resolveURL(n.cfg.ListenMetricsURLs[i]); secure {
			l = tls.NewListener(l, n.pagesTLS())
		}
		n.lg.Info("serving metrics", zap.Stringer("address", l.Addr()))
		n.wg.Go(func() {
			if err := own.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				n.fail(err)
			}
		})
	}
}

// pagesTLS is the TLS of clients' addresses, for HTTP/1 alone.
func (n *Node) pagesTLS() *tls.Config {
	cfg := n.tls.Clone()
	cfg.NextProtos = []string{"http/1.1"}
	return cfg
}

// close ends the metrics at once: nobody loses more than one scrape.
func (m *metricsServer) close(lg *zap.Logger) {
	if m.http != nil {
		if err := m.http.Close(); err != nil {
			lg.Warn("close metrics", zap.Error(err))
		}
	}
	closeAll(m.listeners)
}

// MetricsAddrs returns the addresses of ListenMetricsURLs, in their order.
func (n *Node) MetricsAddrs() []net.Addr {
	addrs := make([]net.Addr, len(n.http.own.listeners))
	for i, l := range n.http.own.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}
