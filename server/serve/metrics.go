package serve

import (
	"math"
	"net/http"
	"runtime"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"go.etcd.io/etcd/api/v3/version"
	fdruntime "go.etcd.io/etcd/pkg/v3/runtime"
)

// maxScrapes bounds how many clients may gather the metrics at once.
const maxScrapes = 8

// metricsSide holds what a node counts and shows on /metrics. Its names are
// those of etcd where the meaning is etcd's.
//
// A node has a registry of its own, so that several can live in one process.
// etcd's packages (log, store, backend, lease) count into the process's default
// registry, for all nodes together; it is shown as well.
type metricsSide struct {
	handler http.Handler
	health  healthCounts
	rpc     *rpcMetrics
}

// openMetrics makes the node's registry. It must come before the gRPC server,
// whose calls it counts.
func (n *Node) openMetrics() {
	reg := prometheus.NewRegistry()
	m := &n.http.metrics
	m.rpc = newRPCMetrics(n.cfg.Metrics == MetricsExtensive)
	m.health.init()
	reg.MustRegister(&nodeCollector{n.server}, m.rpc, m.health.checks, m.health.outcomes, m.health.succeeded, m.health.failed)
	reg.MustRegister(constants(n)...)
	sources := prometheus.Gatherers{prometheus.DefaultGatherer, reg}
	if n.seams.Metrics != nil {
		sources = append(sources, n.seams.Metrics)
	}
	m.handler = promhttp.HandlerFor(sources, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes})
}

// constants are metrics that name things, and the process's file descriptors.
func constants(n *Node) []prometheus.Collector {
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

// openFiles counts when it is asked; etcd does every ten minutes. Where the
// system does not tell, it is not a number.
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
