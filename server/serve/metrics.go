package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"runtime"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"go.etcd.io/etcd/api/v3/version"
	fdruntime "go.etcd.io/etcd/pkg/v3/runtime"

	"glasskv/server/etcdserver"
)

// maxScrapes is how many clients may gather the metrics at the same time.
const maxScrapes = 8

// nodeMetrics are a node's metrics. A metric has etcd's name if it has etcd's meaning.
//
// A node has a registry of its own, so that a process can have several nodes. etcd's
// packages (log, store, backend, lease) use the process's default registry, for all nodes
// together; /metrics shows both.
type nodeMetrics struct {
	handler http.Handler
	health  healthCounts
	rpc     *rpcMetrics
}

// openMetrics makes the node's registry. It must be called before newGRPCServer, whose
// interceptors count calls in it.
func (n *Node) openMetrics() {
	reg := prometheus.NewRegistry()
	m := &n.http.metrics
	m.rpc = newRPCMetrics(n.cfg.Metrics == MetricsExtensive)
	m.health.init()
	reg.MustRegister(&nodeCollector{n.server}, m.rpc, m.health.checks, m.health.outcomes, m.health.succeeded, m.health.failed)
	reg.MustRegister(constantMetrics(n)...)
	sources := prometheus.Gatherers{prometheus.DefaultGatherer, reg}
	if n.seams.Metrics != nil {
		sources = append(sources, n.seams.Metrics)
	}
	m.handler = promhttp.HandlerFor(sources, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// constantMetrics returns the metrics whose labels name versions and the member, and the
// metrics of the process's file descriptors.
func constantMetrics(n *Node) []prometheus.Collector {
	named := func(name, help, label, value string) prometheus.Collector {
		g := prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "etcd", Subsystem: "server", Name: name, Help: help,
			ConstLabels: prometheus.Labels{label: value},
		})
		g.Set(1)
		return g
	}
	return []prometheus.Collector{
		named("version", "The etcd release whose API this server speaks.", "server_version", version.Version),
		named("go_version", "The Go release that built this server.", "server_go_version", runtime.Version()),
		named("id", "The member's ID in hexadecimal.", "server_id", n.server.MemberID().String()),
		openFiles("used", "File descriptors in use.", fdruntime.FDUsage),
		openFiles("limit", "File descriptors that the process may have.", fdruntime.FDLimit),
	}
}

// openFiles returns a gauge that calls count for each scrape; etcd counts every ten minutes.
// The gauge is NaN if count fails.
func openFiles(name, help string, count func() (uint64, error)) prometheus.Collector {
	opts := prometheus.GaugeOpts{Namespace: "os", Subsystem: "fd", Name: name, Help: help}
	return prometheus.NewGaugeFunc(opts, func() float64 {
		n, err := count()
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
}

// rpcMetrics counts gRPC calls, with the library and the names that etcd uses.
type rpcMetrics struct{ *grpcprom.ServerMetrics }

func newRPCMetrics(extensive bool) *rpcMetrics {
	var opts []grpcprom.ServerMetricsOption
	if extensive {
		opts = append(opts, grpcprom.WithServerHandlingTimeHistogram())
	}
	return &rpcMetrics{grpcprom.NewServerMetrics(opts...)}
}

// nodeCollector reads the state of the raft side at each scrape, so that requests pay
// nothing for these metrics.
type nodeCollector struct{ s *etcdserver.EtcdServer }

// raftMetric is a metric of nodeCollector.
type raftMetric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	read func(*etcdserver.EtcdServer) float64
}

// raftMetrics have etcd's names and types. Some that only grow are gauges, as in etcd.
var raftMetrics = []raftMetric{
	gauge("has_leader", "Whether this member knows a leader, 1 or 0.",
		func(s *etcdserver.EtcdServer) float64 { return boolToFloat(s.Leader() != 0) }),
	gauge("is_leader", "Whether this member is the leader, 1 or 0.",
		func(s *etcdserver.EtcdServer) float64 { return boolToFloat(s.Leader() == s.MemberID()) }),
	gauge("proposals_committed_total", "The highest index of raft's log that is known to be committed.",
		func(s *etcdserver.EtcdServer) float64 { return float64(s.CommittedIndex()) }),
	gauge("proposals_applied_total", "The index of raft's log that was applied last.",
		func(s *etcdserver.EtcdServer) float64 { return float64(s.AppliedIndex()) }),
	gauge("proposals_pending", "Proposals that wait to be committed and applied.",
		func(s *etcdserver.EtcdServer) float64 { return float64(s.Counts().ProposalsPending) }),
	counter("proposals_failed_total", "Proposals that failed or were given up.",
		func(s *etcdserver.EtcdServer) float64 { return float64(s.Counts().ProposalsFailed) }),
	counter("leader_changes_seen_total", "How often the leader changed.",
		func(s *etcdserver.EtcdServer) float64 { return float64(s.Counts().LeaderChanges) }),
}

func gauge(name, help string, read func(*etcdserver.EtcdServer) float64) raftMetric {
	return raftMetric{serverDesc(name, help), prometheus.GaugeValue, read}
}

func counter(name, help string, read func(*etcdserver.EtcdServer) float64) raftMetric {
	return raftMetric{serverDesc(name, help), prometheus.CounterValue, read}
}

func serverDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("etcd", "server", name), help, nil, nil)
}

func boolToFloat(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (c *nodeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, r := range raftMetrics {
		ch <- r.desc
	}
}

// Collect implements prometheus.Collector.
func (c *nodeCollector) Collect(ch chan<- prometheus.Metric) {
	for _, r := range raftMetrics {
		ch <- prometheus.MustNewConstMetric(r.desc, r.kind, r.read(c.s))
	}
}

// healthCounts counts the outcomes of the health pages.
type healthCounts struct {
	succeeded, failed prometheus.Counter
	checks            *prometheus.GaugeVec
	outcomes          *prometheus.CounterVec
}

func (h *healthCounts) init() {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "etcd", Subsystem: "server", Name: name, Help: help})
	}
	h.succeeded = counter("health_success", "Requests for /health that were answered with true.")
	h.failed = counter("health_failures", "Requests for /health that were answered with false.")
	h.checks = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "etcd", Subsystem: "server", Name: "healthcheck",
		Help: "The last outcome of each check of /livez and /readyz, 1 for success.",
	}, []string{"type", "name"})
	h.outcomes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "etcd", Subsystem: "server", Name: "healthchecks_total",
		Help: "The outcomes of each check of /livez and /readyz.",
	}, []string{"type", "name", "status"})
}

// health counts an answer of /health.
func (h *healthCounts) health(ok bool) {
	if ok {
		h.succeeded.Inc()
	} else {
		h.failed.Inc()
	}
}

// check counts an outcome of a named check.
func (h *healthCounts) check(kind, name string, ok bool) {
	value, status := 0.0, "error"
	if ok {
		value, status = 1, "success"
	}
	h.checks.WithLabelValues(kind, name).Set(value)
	h.outcomes.WithLabelValues(kind, name, status).Inc()
}

// metricsServer serves /metrics and the health pages on ListenMetricsURLs.
type metricsServer struct {
	listeners []net.Listener
	http      *http.Server
}

// listenMetrics opens the addresses. It and serveMetrics are embed's serveMetrics upstream.
func (n *Node) listenMetrics(ctx context.Context) (err error) {
	n.http.metricsServer.listeners, err = listen(ctx, "metrics", n.cfg.ListenMetricsURLs)
	return err
}

// serveMetrics starts to serve the addresses. It does not wait for a leader: the metrics say
// whether there is a leader.
func (n *Node) serveMetrics() {
	ms := &n.http.metricsServer
	mux := http.NewServeMux()
	mux.Handle("/metrics", n.http.metrics.handler)
	handleHealth(n.lg, mux, n.server, &n.http.metrics.health)
	ms.http = &http.Server{
		Handler:           newAccessController(n.lg, n.cfg.HTTPConfig, limitBody(maxPageBodyBytes, mux)),
		ReadHeaderTimeout: n.cfg.ConnectionTimeout,
		IdleTimeout:       httpIdleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          log.New(io.Discard, "", 0), // clients' mistakes are of no use to the operator
	}
	for i, l := range ms.listeners {
		if _, _, secure := resolveURL(n.cfg.ListenMetricsURLs[i]); secure {
			l = tls.NewListener(l, n.metricsTLS())
		}
		n.lg.Info("serving metrics", zap.Stringer("address", l.Addr()))
		n.wg.Go(func() {
			if err := ms.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				n.fail(err)
			}
		})
	}
}

// metricsTLS returns the TLS configuration of clients' addresses, for HTTP/1 alone.
func (n *Node) metricsTLS() *tls.Config {
	cfg := n.tls.Clone()
	cfg.NextProtos = []string{"http/1.1"}
	return cfg
}

// close closes the addresses without waiting for requests: a client loses a scrape at most.
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
	addrs := make([]net.Addr, len(n.http.metricsServer.listeners))
	for i, l := range n.http.metricsServer.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}
