package path

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	_ "go.etcd.io/etcd/server/v3/storage/wal" // registers the histogram
)

func TestTheMeterReadsTheWALsOwnHistogram(t *testing.T) {
	m, err := newFsyncMeter()
	if err != nil {
		t.Fatal(err)
	}
	histogram := m.histogram.(prometheus.Observer)

	m.read()
	if took, _ := m.read(); took != 0 {
		t.Errorf("no fsync, but %d ns", took)
	}
	histogram.Observe(0.001)
	if took, once := m.read(); took < 999_000 || took > 1_001_000 || !once {
		t.Errorf("one fsync of 1 ms read as %d ns, once %v", took, once)
	}
	histogram.Observe(0.001)
	histogram.Observe(0.001)
	if _, once := m.read(); once {
		t.Error("two fsyncs taken for one")
	}
}
