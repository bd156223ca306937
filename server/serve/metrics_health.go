package serve

import "github.com/prometheus/client_golang/prometheus"

// healthCounts count the outcomes of the health pages.
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

// health counts one answer of /health.
func (h *healthCounts) health(ok bool) {
	if ok {
		h.succeeded.Inc()
	} else {
		h.failed.Inc()
	}
}

// check counts one outcome of a named check.
func (h *healthCounts) check(kind, name string, ok bool) {
	value, status := 0.0, "error"
	if ok {
		value, status = 1, "success"
	}
	h.checks.WithLabelValues(kind, name).Set(value)
	h.outcomes.WithLabelValues(kind, name, status).Inc()
}
