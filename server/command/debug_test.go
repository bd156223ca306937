package command

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/zap"
	"google.golang.org/grpc"
	channelzpb "google.golang.org/grpc/channelz/grpc_channelz_v1"
	"google.golang.org/grpc/credentials/insecure"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// startDebug serves the pages, and a node that they tell about.
func startDebug(t *testing.T, cfg serve.Config) (base string, node *servetest.Node) {
	t.Helper()
	var u listenURL
	if err := u.Set("http://127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	pages, err := serveDebug(zap.NewNop(), u, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pages.close(zap.NewNop()) })
	return pages.url, servetest.Start(t, cfg, serve.Seams{})
}

func getPage(t *testing.T, url, host string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(servetest.Context(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// A request is found again on every page that could show it.
func TestDebugPagesShowARequest(t *testing.T) {
	base, node := startDebug(t, servetest.Config(t))
	if _, err := pb.NewKVClient(node.Conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/debug/":         "/debug/channelz",
		"/debug/requests": "grpc.Recv.etcdserverpb.KV",
		"/debug/requests?fam=grpc.Recv.etcdserverpb.KV&b=0": "/etcdserverpb.KV/Put",
		"/debug/events":             "grpc.Server",
		"/debug/channelz":           `"serverId"`,
		"/debug/pprof/":             "goroutine",
		"/debug/pprof/cmdline":      "test",
		"/debug/pprof/heap?debug=1": "heap profile",
		"/debug/vars":               `"memstats"`,
	} {
		if status, body := getPage(t, base+path, ""); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d without %q", path, status, want)
		}
	}
	for path, want := range map[string]int{
		"/debug/channelz/socket/none":     http.StatusBadRequest,
		"/debug/channelz/socket/99999999": http.StatusNotFound,
		"/debug/no-such-page":             http.StatusNotFound,
	} {
		if status, _ := getPage(t, base+path, ""); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
}

// Programs such as grpcdebug ask channelz over gRPC, on the same address.
func TestDebugAddressSpeaksChannelz(t *testing.T) {
	base, _ := startDebug(t, servetest.Config(t))
	conn, err := grpc.NewClient(strings.TrimPrefix(base, "http://"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := channelzpb.NewChannelzClient(conn).GetServers(servetest.Context(t), &channelzpb.GetServersRequest{})
	if err != nil || len(got.GetServer()) == 0 {
		t.Errorf("servers: %v, %v", got, err)
	}
}

// A page of somebody else's that has a browser ask under its own name learns
// nothing, even where clients may use any name.
func TestDebugPagesAnswerThisMachineOnly(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.HostWhitelist = map[string]struct{}{"*": {}, "kv.example": {}}
	base, _ := startDebug(t, cfg)
	for host, want := range map[string]int{
		"localhost":      http.StatusOK,
		"127.0.0.1:2377": http.StatusOK,
		"[::1]:2377":     http.StatusOK,
		"kv.example":     http.StatusOK,
		"evil.example":   http.StatusMisdirectedRequest,
		"192.0.2.7":      http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/debug/requests", "/debug/pprof/cmdline", "/debug/channelz"} {
			if status, _ := getPage(t, base+path, host); status != want {
				t.Errorf("%s for %s: %d, want %d", path, host, status, want)
			}
		}
	}
}

func TestDebugPagesAreOffUnlessAskedFor(t *testing.T) {
	if pages, err := serveDebug(zap.NewNop(), newServeFlags().debugURL, servetest.Config(t)); pages != nil || err != nil {
		t.Errorf("pages %v, %v", pages, err)
	}
	for _, wrong := range []string{"http://:2377", "2377", "127.0.0.1:2377", "unix:///tmp/x", "http://127.0.0.1"} {
		if err := new(listenURL).Set(wrong); err == nil {
			t.Errorf("%q is taken for an address", wrong)
		}
	}
	u := listenURL{value: "https://127.0.0.1:0"}
	if _, err := serveDebug(zap.NewNop(), u, servetest.Config(t)); err == nil || !strings.Contains(withRemedy(err).Error(), "--cert-file") {
		t.Errorf("https without a certificate: %v", err)
	}
}
