package path

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// fsyncMeter measures how long the WAL's own fdatasync took. The wal package observes each
// call in its histogram etcd_disk_wal_fsync_duration_seconds. So the difference of the
// histogram's sums before and after a Save is that Save's share, to the nanosecond, and
// private functions need not be touched.
//
// The histogram is shared by all servers of a process, and saving a snapshot also adds to
// it. So read says whether more than one call fell between two readings. A meter may be
// used by one goroutine at a time.
type fsyncMeter struct {
	histogram prometheus.Metric
	sum       float64 // seconds, at the last reading
	count     uint64  // calls, at the last reading
}

// newFsyncMeter returns a meter on the histogram that the wal package has registered. To
// find it, it registers a histogram of the same name: Register then returns an
// AlreadyRegisteredError with the first, as the library documents.
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
	m.read()
	return m, nil
}

// read returns the nanoseconds that were spent in fdatasync since the last reading, zero if
// it was not called, and whether it was called exactly once. A reading costs some
// microseconds: take it when no request waits for it.
func (m *fsyncMeter) read() (ns int64, once bool) {
	sum, count := m.total()
	ns, once = int64((sum-m.sum)*1e9), count == m.count+1
	m.sum, m.count = sum, count
	return ns, once
}

// total returns the histogram's sum, in seconds, and its count.
func (m *fsyncMeter) total() (sum float64, count uint64) {
	var out dto.Metric
	if err := m.histogram.Write(&out); err != nil {
		return m.sum, m.count // cannot happen: Write of a histogram returns no error
	}
	h := out.GetHistogram()
	return h.GetSampleSum(), h.GetSampleCount()
}
