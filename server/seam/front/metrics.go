package front

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// metrics is a prometheus.Collector of the recorder's sums. Requests pay nothing for it: the
// sums are read when the metrics are.
type metrics struct{ rec *record.Recorder }

// newMetrics returns the metrics of rec, in a registry of their own.
func newMetrics(rec *record.Recorder) prometheus.Gatherer {
	reg := prometheus.NewRegistry()
	reg.MustRegister(metrics{rec})
	return reg
}

var (
	descStage = prometheus.NewDesc("glasskv_stage_duration_seconds",
		"How long a stage of the requests' way took. What requests share is counted once.", []string{"stage", "kind"}, nil)
	descRequests = prometheus.NewDesc("glasskv_requests_total",
		"Requests that were recorded, by method and code.", []string{"method", "code"}, nil)
	descLost = prometheus.NewDesc("glasskv_trace_lost_total",
		"Requests whose record is missing somewhere, by what became of it.", []string{"reason"}, nil)
	descRecords = prometheus.NewDesc("glasskv_trace_records_total",
		"Records that were begun, finished and exported.", []string{"state"}, nil)
	descSwept = prometheus.NewDesc("glasskv_trace_swept_total",
		"Records that never completed and were closed by the sweeper.", nil, nil)
	descLive = prometheus.NewDesc("glasskv_trace_records_live",
		"Records of requests that are under way.", nil, nil)
	descMemory = prometheus.NewDesc("glasskv_trace_memory_bytes",
		"Memory of records and their queues: an upper estimate, and the bound.", []string{"kind"}, nil)
	descFailed = prometheus.NewDesc("glasskv_failed_connections_total",
		"Connections that never carried a request.", nil, nil)
)

// Describe implements prometheus.Collector.
func (metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descStage, descRequests, descLost, descRecords, descSwept, descLive, descMemory, descFailed,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m metrics) Collect(ch chan<- prometheus.Metric) {
	for _, h := range m.rec.Histograms() {
		ch <- stageHistogram(h)
	}
	for _, r := range m.rec.RequestCounts() {
		method := strings.ToValidUTF8(r.Method, "?") // Prometheus refuses anything else
		ch <- prometheus.MustNewConstMetric(descRequests, prometheus.CounterValue, float64(r.Count), method, r.Code)
	}
	s := m.rec.Stats()
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	count(descLost, s.NotRecorded, "not_recorded")
	count(descLost, s.Overwritten, "overwritten")
	count(descLost, s.NotExported, "not_exported")
	count(descLost, s.NotEmbedded, "not_embedded")
	count(descRecords, s.Begun, "begun")
	count(descRecords, s.Finished, "finished")
	count(descRecords, s.Exported, "exported")
	count(descSwept, s.Swept)
	count(descFailed, s.FailedConns)
	gauge(descLive, s.Live)
	gauge(descMemory, s.MemoryUsed, "used")
	gauge(descMemory, s.MemoryBound, "bound")
}

// stageHistogram converts a stage's counts, which are per bucket, to Prometheus' cumulative ones.
func stageHistogram(h record.StageHistogram) prometheus.Metric {
	buckets, below := make(map[float64]uint64, len(record.HistogramBounds)), uint64(0)
	for i, bound := range record.HistogramBounds {
		below += h.Counts[i]
		buckets[float64(bound)/1e9] = below
	}
	spec := stages.SpecOf(h.Stage)
	return prometheus.MustNewConstHistogram(descStage, h.Count, float64(h.SumNS)/1e9, buckets, spec.Name, string(spec.Kind))
}
