package serve

import (
	"github.com/prometheus/client_golang/prometheus"

	"glasskv/server/etcdserver"
)

// nodeCollector reads the state of the raft side when somebody asks for it, so
// that requests pay nothing for these metrics.
type nodeCollector struct{ s *etcdserver.EtcdServer }

// reading is one metric of nodeCollector.
type reading struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
	of   func(*etcdserver.EtcdServer) float64
}

// readings have etcd's names and types: what only grows is a gauge where etcd has
// made it one.
var readings = []reading{
	gauge("has_leader", "Whether this member knows a leader, 1 or 0.",
		func(s *etcdserver.EtcdServer) float64 { return number(s.Leader() != 0) }),
	gauge("is_leader", "Whether this member is the leader, 1 or 0.",
		func(s *etcdserver.EtcdServer) float64 { return number(s.Leader() == s.MemberID()) }),
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

func gauge(name, help string, of func(*etcdserver.EtcdServer) float64) reading {
	return reading{serverDesc(name, help), prometheus.GaugeValue, of}
}

func counter(name, help string, of func(*etcdserver.EtcdServer) float64) reading {
	return reading{serverDesc(name, help), prometheus.CounterValue, of}
}

func serverDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("etcd", "server", name), help, nil, nil)
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Describe implements prometheus.Collector.
func (c *nodeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, r := range readings {
		ch <- r.desc
	}
}

// Collect implements prometheus.Collector.
func (c *nodeCollector) Collect(ch chan<- prometheus.Metric) {
	for _, r := range readings {
		ch <- prometheus.MustNewConstMetric(r.desc, r.kind, r.of(c.s))
	}
}
