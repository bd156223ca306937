package command

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"glasskv/server/etcdserver"
	"glasskv/server/serve"
)

// parse reads args as the command does, up to the configuration.
func parse(t *testing.T, args ...string) (serve.Config, error) {
	t.Helper()
	flags := newServeFlags()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	flags.add(fs)
	if err := fs.Parse(args); err != nil {
		return serve.Config{}, err
	}
	if err := setFromEnv(fs); err != nil {
		return serve.Config{}, err
	}
	return flags.config()
}

// execute runs the command until it returns by itself.
func execute(t *testing.T, args ...string) (stderr string, err error) {
	t.Helper()
	var out bytes.Buffer
	cmd := NewServeCommand(Options{})
	cmd.SetArgs(args)
	cmd.SetOut(io.Discard)
	cmd.SetErr(&out)
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	err = cmd.ExecuteContext(ctx)
	return out.String(), err
}

func TestWithoutFlagsTheServerIsEtcdsDefaultMember(t *testing.T) {
	cfg, err := parse(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ what, got, want string }{
		{"name", cfg.Name, "default"},
		{"data directory", cfg.DataDir, "default.glasskv"},
		{"client URLs", cfg.ListenClientURLs.String(), "http://localhost:2379"},
		{"peer URLs", cfg.ListenPeerURLs.String(), "http://localhost:2380"},
		{"members", cfg.InitialPeerURLsMap.String(), "default=http://localhost:2380"},
		{"token", cfg.InitialClusterToken, "etcd-cluster"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.what, tt.got, tt.want)
		}
	}
	if !cfg.NewCluster || cfg.TickMs != 100 || cfg.ElectionTicks != 10 {
		t.Errorf("new cluster %t, tick %d ms, election after %d ticks", cfg.NewCluster, cfg.TickMs, cfg.ElectionTicks)
	}
}

func TestFlagsReachTheConfiguration(t *testing.T) {
	cfg, err := parse(t,
		"--name", "n1", "--data-dir", "d",
		"--listen-client-urls", "http://127.0.0.1:1,http://127.0.0.1:2",
		"--advertise-client-urls", "http://example.com:1",
		"--listen-peer-urls", "http://127.0.0.1:3",
		"--initial-advertise-peer-urls", "http://example.com:3",
		"--initial-cluster", "n1=http://example.com:3", "--initial-cluster-token", "tok",
		"--initial-cluster-state", "existing",
		"--heartbeat-interval", "20", "--election-timeout", "300",
		"--snapshot-count", "5", "--max-request-bytes", "6", "--max-txn-ops", "7",
		"--quota-backend-bytes", "8", "--max-snapshots", "9", "--max-wals", "10",
		"--max-concurrent-streams", "11", "--grpc-keepalive-min-time", "12s")
	if err != nil {
		t.Fatal(err)
	}
	want := etcdserver.Config{
		Name: "n1", DataDir: "d", TickMs: 20, ElectionTicks: 15, SnapshotCount: 5,
		MaxRequestBytes: 6, QuotaBackendBytes: 8, MaxSnapFiles: 9, MaxWALFiles: 10, InitialClusterToken: "tok",
	}
	got := etcdserver.Config{
		Name: cfg.Name, DataDir: cfg.DataDir, TickMs: cfg.TickMs, ElectionTicks: cfg.ElectionTicks,
		SnapshotCount: cfg.SnapshotCount, MaxRequestBytes: cfg.MaxRequestBytes,
		QuotaBackendBytes: cfg.QuotaBackendBytes, MaxSnapFiles: cfg.MaxSnapFiles, MaxWALFiles: cfg.MaxWALFiles,
		InitialClusterToken: cfg.InitialClusterToken,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("raft side (-want +got):\n%s", diff)
	}
	if len(cfg.ListenClientURLs) != 2 || cfg.ClientURLs.String() != "http://example.com:1" ||
		cfg.PeerURLs.String() != "http://example.com:3" || cfg.NewCluster {
		t.Errorf("addresses and cluster: %+v", cfg)
	}
	if cfg.MaxTxnOps != 7 || cfg.MaxConcurrentStreams != 11 || cfg.GRPCKeepAliveMinTime.Seconds() != 12 {
		t.Errorf("limits: %+v", cfg)
	}
}

// etcd's flags keep every file when they are 0; the number of files must not
// fall back to the default then.
func TestZeroKeepsAllFiles(t *testing.T) {
	cfg, err := parse(t, "--max-wals", "0", "--max-snapshots", "0")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.MaxWALFiles < 1<<30 || cfg.MaxSnapFiles < 1<<30 {
		t.Errorf("%d log files and %d snapshots are kept", cfg.MaxWALFiles, cfg.MaxSnapFiles)
	}
}

func TestVariablesStandForFlagsAndFlagsWin(t *testing.T) {
	t.Setenv("GLASSKV_NAME", "from-variable")
	t.Setenv("GLASSKV_MAX_TXN_OPS", "9")
	cfg, err := parse(t, "--name", "from-flag")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Name != "from-flag" || cfg.MaxTxnOps != 9 {
		t.Errorf("name %q, max-txn-ops %d", cfg.Name, cfg.MaxTxnOps)
	}

	t.Setenv("GLASSKV_MAX_TXN_OPS", "many")
	if _, err := parse(t); err == nil || !strings.Contains(err.Error(), "GLASSKV_MAX_TXN_OPS") {
		t.Errorf("a variable without sense: %v", err)
	}
}

// What cannot run says why in one line, and which flag to turn to.
func TestMistakesAreNamedInOneLine(t *testing.T) {
	inUse, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inUse.Close()
	port := inUse.Addr().String()
	free := "http://127.0.0.1:0"

	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"unknown flag", []string{"--no-such-flag"}, []string{"unknown flag: --no-such-flag", "serve --help"}},
		{"no number", []string{"--max-txn-ops", "x"}, []string{"--max-txn-ops", "serve --help"}},
		{"argument", []string{"now"}, []string{"now"}},
		{"TLS", []string{"--listen-client-urls", "https://127.0.0.1:0"}, []string{"https://127.0.0.1:0", "https needs a certificate; give --cert-file"}},
		{"unix socket for peers", []string{"--listen-peer-urls", "unix://localhost:0"}, []string{"unix://localhost:0", "use http://"}},
		{"TLS version", []string{"--tls-min-version", "TLS1.0"}, []string{"TLS1.0", "use TLS1.2 or TLS1.3"}},
		{"certificate without key", []string{"--cert-file", "cert.pem"}, []string{"a certificate and its key must be given together"}},
		{"cipher suite", []string{"--cipher-suites", "ROT13"}, []string{"ROT13"}},
		{"listening on a name", []string{"--listen-client-urls", "http://example.com:2379"}, []string{"example.com"}},
		{"URL without port", []string{"--listen-peer-urls", "http://127.0.0.1"}, []string{"--listen-peer-urls"}},
		{"cluster state", []string{"--initial-cluster-state", "old"}, []string{"--initial-cluster-state", "new or existing"}},
		{"not in its cluster", []string{"--name", "a", "--initial-cluster", "b=http://localhost:2380"}, []string{"--initial-cluster", "--name"}},
		{"two peer URLs for one member", []string{"--initial-cluster", "default=http://localhost:1"}, []string{"--initial-cluster", "--initial-advertise-peer-urls"}},
		{"election too soon", []string{"--election-timeout", "200"}, []string{"--election-timeout", "--heartbeat-interval"}},
		{"feature", []string{"--feature-gates", "Magic=true"}, []string{"--feature-gates", "Magic", "not known"}},
		{"feature without value", []string{"--feature-gates", "StopGRPCServiceOnDefrag"}, []string{"StopGRPCServiceOnDefrag=true"}},
		{"log level", []string{"--log-level", "loud"}, []string{"--log-level", "info"}},
		{"log format", []string{"--log-format", "xml"}, []string{"--log-format", "json"}},
		{
			"client port in use",
			[]string{"--listen-client-urls", "http://" + port, "--listen-peer-urls", free},
			[]string{port + " is in use", "--listen-client-urls"},
		},
		{
			"peer port in use",
			[]string{"--listen-client-urls", free, "--listen-peer-urls", "http://" + port},
			[]string{port + " is in use", "--listen-peer-urls"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			stderr, err := execute(t, append([]string{"--data-dir", dir}, tt.args...)...)
			if err == nil {
				t.Fatal("the command ran")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has several lines: %q", err)
			}
			if strings.Contains(stderr, "Usage:") || strings.Contains(stderr, "goroutine ") {
				t.Errorf("more than an error was printed:\n%s", stderr)
			}
			if matches, _ := filepath.Glob(dir); len(matches) > 0 {
				t.Error("a data directory was left behind")
			}
		})
	}
}

func TestFlagsForWhatEtcdLeavesToGRPC(t *testing.T) {
	cfg, err := parse(t, "--connection-timeout", "3s", "--max-connection-age", "1h",
		"--max-connection-age-grace", "5m", "--num-stream-workers", "8")
	if err != nil {
		t.Fatal(err)
	}
	if cfg.ConnectionTimeout != 3*time.Second || cfg.MaxConnectionAge != time.Hour ||
		cfg.MaxConnectionAgeGrace != 5*time.Minute || cfg.NumStreamWorkers != 8 {
		t.Errorf("%v, %v, %v, %d", cfg.ConnectionTimeout, cfg.MaxConnectionAge, cfg.MaxConnectionAgeGrace, cfg.NumStreamWorkers)
	}
}
