package seam

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// fsyncMeter reads how long the WAL's own fdatasync took. The wal package
// measures each one for its histogram etcd_disk_wal_fsync_duration_seconds, so
// the sum before and after a Save tells that Save's share to the nanosecond,
// without a look at private functions.
//
// The histogram is one per process. Two servers in one process (a test, a demo)
// share it; the meter notices when more than one sync fell between its two
// readings and says so.
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
	return &fsyncMeter{histogram: histogram}, nil
}

// read notes the histogram's state.
func (m *fsyncMeter) read() { m.sum, m.count = m.state() }

// since returns the nanoseconds spent in fdatasync since the last read, and
// whether it was a single one. Zero means that there was none.
func (m *fsyncMeter) since() (took int64, once bool) {
	sum, count := m.state()
	return int64((sum - m.sum) * 1e9), count == m.count+1
}

func (m *fsyncMeter) state() (float64, uint64) {
	var out dto.Metric
	if err := m.histogram.Write(&out); err != nil {
		return m.sum, m.count // the library's Write of a histogram returns no error
	}
	h := out.GetHistogram()
	return h.GetSampleSum(), h.GetSampleCount()
}
