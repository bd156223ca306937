package serve_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// metrics returns the samples of /metrics, by name and labels as they stand there.
func (s *site) metrics() map[string]string {
	s.Helper()
	a := s.get("/metrics")
	if a.status != http.StatusOK {
		s.Fatalf("/metrics: %d %s", a.status, a.body)
	}
	samples := make(map[string]string)
	for line := range strings.Lines(a.body) {
		line = strings.TrimSpace(line)
		if at := strings.LastIndexByte(line, ' '); at > 0 && line[0] != '#' {
			samples[line[:at]] = line[at+1:]
		}
	}
	return samples
}

func (s *site) sample(name string) string { s.Helper(); return s.metrics()[name] }

// Metrics that a person's dashboards for etcd ask for are there, and mean what
// they mean there.
func TestMetricsHaveEtcdsNames(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	if _, err := pb.NewKVClient(s.Conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	s.get("/health")
	s.get("/readyz")
	samples := s.metrics()
	put := `grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"`
	for name, want := range map[string]string{
		"etcd_server_has_leader":                                          "1",
		"etcd_server_is_leader":                                           "1",
		"etcd_server_leader_changes_seen_total":                           "1",
		"etcd_server_proposals_pending":                                   "0",
		"etcd_server_proposals_failed_total":                              "0",
		"etcd_server_health_success":                                      "1",
		"etcd_server_health_failures":                                     "0",
		`etcd_server_version{server_version="3.7.3"}`:                     "1",
		`grpc_server_started_total{` + put + `}`:                          "1",
		`grpc_server_handled_total{grpc_code="OK",` + put + `}`:           "1",
		`etcd_server_healthcheck{name="linearizable_read",type="readyz"}`: "1",
	} {
		if got := samples[name]; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{
		"etcd_server_proposals_committed_total", "etcd_server_proposals_applied_total",
		"etcd_server_slow_apply_total", "etcd_server_quota_backend_bytes",
		"etcd_disk_wal_fsync_duration_seconds_count", "etcd_disk_backend_commit_duration_seconds_count",
		"etcd_mvcc_db_total_size_in_bytes", "etcd_debugging_mvcc_keys_total", "go_goroutines",
		"os_fd_used", "os_fd_limit",
	} {
		if samples[name] == "" {
			t.Errorf("%s is missing", name)
		}
	}
}

// Two nodes in one process each tell about themselves.
func TestNodesInOneProcessHaveMetricsOfTheirOwn(t *testing.T) {
	one, two := newSite(t, servetest.Config(t), serve.Seams{}), newSite(t, servetest.Config(t), serve.Seams{})
	for range 3 {
		one.get("/health")
	}
	two.get("/health")
	if a, b := one.sample("etcd_server_health_success"), two.sample("etcd_server_health_success"); a != "3" || b != "1" {
		t.Errorf("health checks: %s and %s, want 3 and 1", a, b)
	}
}

func TestExtensiveMetricsMeasureCalls(t *testing.T) {
	for level, want := range map[string]bool{serve.MetricsBasic: false, serve.MetricsExtensive: true} {
		cfg := servetest.Config(t)
		cfg.Metrics = level
		s := newSite(t, cfg, serve.Seams{})
		if _, err := pb.NewKVClient(s.Conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
			t.Fatal(err)
		}
		name := `grpc_server_handling_seconds_count{grpc_method="Put",grpc_service="etcdserverpb.KV",grpc_type="unary"}`
		if got := s.sample(name); (got == "1") != want {
			t.Errorf("%s: a histogram with %q calls", level, got)
		}
	}
	cfg := servetest.Config(t)
	cfg.Metrics = "all"
	if _, err := serve.Start(t.Context(), cfg, serve.Seams{}); err == nil || !strings.Contains(err.Error(), "extensive") {
		t.Errorf("an unknown level: %v", err)
	}
}

// What the seams count is shown as well.
func TestMetricsOfTheSeams(t *testing.T) {
	mine := prometheus.NewCounter(prometheus.CounterOpts{Name: "mine_total"})
	reg := prometheus.NewRegistry()
	reg.MustRegister(mine)
	s := newSite(t, servetest.Config(t), serve.Seams{Metrics: reg})
	mine.Inc()
	if got := s.sample("mine_total"); got != "1" {
		t.Errorf("counter: %q", got)
	}
}

// An address for metrics has these and the health pages, behind the same rules,
// and nothing else.
func TestMetricsAddress(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.ListenMetricsURLs = types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.HostWhitelist = map[string]struct{}{"127.0.0.1": {}}
	s := newSite(t, cfg, serve.Seams{})
	s.base = "http://" + s.MetricsAddrs()[0].String()
	if got := s.sample("etcd_server_has_leader"); got != "1" {
		t.Errorf("has leader: %q", got)
	}
	for path, want := range map[string]int{
		"/health": http.StatusOK, "/readyz": http.StatusOK, "/livez": http.StatusOK,
		"/version": http.StatusNotFound, "/v3/maintenance/status": http.StatusNotFound,
	} {
		if a := s.get(path); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
	if a := s.do(http.MethodGet, "/metrics", "", asHost("evil.example")); a.status != http.StatusMisdirectedRequest {
		t.Errorf("for an unknown host: %d", a.status)
	}
}

func TestMetricsOverTLSNeedACertificate(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.ListenMetricsURLs = types.MustNewURLs([]string{"https://127.0.0.1:0"})
	if _, err := serve.Start(t.Context(), cfg, serve.Seams{}); !errors.Is(err, serve.ErrNoCertificate) {
		t.Errorf("start: %v", err)
	}
}
