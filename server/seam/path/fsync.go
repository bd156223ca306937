package path

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// fsyncMeter reads how long the WAL's own fdatasync took. The wal package
// measures each one for its histogram etcd_disk_wal_fsync_duration_seconds, so
// the sum after one Save and after the next tells that Save's share to the
// nanosecond, without a look at private functions.
//
// The histogram is one per process, and a snapshot syncs as well. The meter
// notices when more than one sync fell between its two readings and says so.
type fsyncMeter struct {
	histogram prometheus.Metric
	sum       float64 // seconds
	count     uint64
}

// newFsyncMeter finds the histogram that the wal package registered. A second
// registration of the same name is refused with the first one, which is the way
// in that the library documents.
func newFsyncMeter() (*fsyncMeter, error) {
	twin := prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "etcd", Subsystem: "disk", Name: "wal_fsync_duration_seconds",
		Help: "The latency distributions of fsync called by WAL.",
	})
	err := prometheus.Register(twin)
	var already prometheus.AlreadyRegisteredError
	if !errors.As(err, &already) {
		prometheus.Unregister(twin)
		return nil, fmt.Errorf("find the WAL's fsync histogram: %w", errors.Join(errors.New("not registered"), err))
	}
	histogram, ok := already.ExistingCollector.(prometheus.Metric)
	if !ok {
		return nil, fmt.Errorf("find the WAL's fsync histogram: it is a %T", already.ExistingCollector)
	}
	m := &fsyncMeter{histogram: histogram}
	m.since()
	return m, nil
}

// since returns the nanoseconds spent in fdatasync since it was called last, and
// whether it was a single one. Zero means that there was none. A reading costs
// some microseconds, so it is taken when nobody waits for it.
func (m *fsyncMeter) since() (took int64, once bool) {
	sum, count := m.state()
	took, once = int64((sum-m.sum)*1e9), count == m.count+1
	m.sum, m.count = sum, count
	return took, once
}

func (m *fsyncMeter) state() (float64, uint64) {
	var out dto.Metric
	if err := m.histogram.Write(&out); err != nil {
		return m.sum, m.count // the library's Write of a histogram returns no error
	}
	h := out.GetHistogram()
	return h.GetSampleSum(), h.GetSampleCount()
}
