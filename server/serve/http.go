package serve

import (
	"net/http"

	"go.uber.org/zap"
)

// httpSide is what a node is to clients that speak HTTP/1. All its listeners
// share it.
//
// In the order in which a request passes:
//
//	access.go        may this host and this origin ask at all?
//	http_body.go     how much may it send, and how long may that take?
//	gateway.go       /v3/: JSON made into a gRPC call to the node's own address
//	health.go        /health, /livez, /readyz
//	http_version.go  /version
//	metrics*.go      /metrics, also on addresses of its own
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
