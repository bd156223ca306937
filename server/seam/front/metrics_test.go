package front

import (
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// A request is counted once in the histogram of each stage that it passed, in
// the bucket that its time belongs to.
func TestMetricsAddTheStagesUp(t *testing.T) {
	r := newRig(t, Options{})
	if _, err := pb.NewKVClient(r.dial()).Put(seamtest.Limit(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	took := r.record().Timeline().Find(stages.ProcessRPC)
	families, err := newMetrics(r.recorder).Gather()
	if err != nil {
		t.Fatal(err)
	}
	byName := make(map[string]*dto.MetricFamily)
	for _, f := range families {
		byName[f.GetName()] = f
	}
	h := find(byName["glasskv_stage_duration_seconds"], "grpc.processRPC").GetHistogram()
	if h.GetSampleCount() != 1 || h.GetSampleSum() != float64(took.EndNS-took.BeginNS)/1e9 {
		t.Errorf("histogram of processRPC: %v, want one of %d ns", h, took.EndNS-took.BeginNS)
	}
	for _, b := range h.GetBucket() {
		within := b.GetUpperBound()*1e9 >= float64(took.EndNS-took.BeginNS)
		if within != (b.GetCumulativeCount() == 1) {
			t.Errorf("bucket %v: %d", b.GetUpperBound(), b.GetCumulativeCount())
		}
	}
	if least := h.GetBucket()[0].GetUpperBound(); least > 1e-6 {
		t.Errorf("the finest bucket is %v s", least)
	}
	if n := find(byName["glasskv_requests_total"], "/etcdserverpb.KV/Put").GetCounter().GetValue(); n != 1 {
		t.Errorf("requests: %v", n)
	}
	lost := byName["glasskv_trace_lost_total"]
	for _, reason := range []string{"not_recorded", "overwritten", "not_exported"} {
		if m := find(lost, reason); m == nil || m.GetCounter().GetValue() != 0 {
			t.Errorf("lost, %s: %v", reason, m)
		}
	}
}

// find returns the metric that has a label of that value.
func find(f *dto.MetricFamily, value string) *dto.Metric {
	for _, m := range f.GetMetric() {
		for _, label := range m.GetLabel() {
			if strings.EqualFold(label.GetValue(), value) {
				return m
			}
		}
	}
	return nil
}
