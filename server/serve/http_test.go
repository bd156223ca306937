package serve_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/version"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// site is a node as clients that speak HTTP/1 see it.
type site struct {
	testing.TB
	*servetest.Node
	base   string
	client *http.Client
}

func newSite(t testing.TB, cfg serve.Config, seams serve.Seams) *site {
	node := servetest.Start(t, cfg, seams)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &site{TB: t, Node: node, base: "http://" + node.Endpoint(), client: &http.Client{Transport: transport}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request; each change may alter it first.
func (s *site) do(method, path, body string, changes ...func(*http.Request)) answer {
	s.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(servetest.Context(s), method, s.base+path, content)
	if err != nil {
		s.Fatal(err)
	}
	for _, change := range changes {
		change(req)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	return answer{resp.StatusCode, resp.Header, string(got)}
}

func (s *site) get(path string) answer { s.Helper(); return s.do(http.MethodGet, path, "") }

// post sends JSON to the gateway and reads the reply, which must be a success.
func (s *site) post(path, body string) (reply map[string]any) {
	s.Helper()
	a := s.do(http.MethodPost, path, body)
	if a.status != http.StatusOK {
		s.Fatalf("POST %s %s: %d %s", path, body, a.status, a.body)
	}
	if err := json.Unmarshal([]byte(a.body), &reply); err != nil {
		s.Fatalf("POST %s: %v in %s", path, err, a.body)
	}
	return reply
}

func TestVersionPage(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	// The cluster's version is decided before the node is ready; that of the
	// storage is written into it afterwards.
	var got version.Versions
	var a answer
	for ctx := servetest.Context(t); got.Storage != "3.7.0" && ctx.Err() == nil; {
		a = s.get("/version")
		if err := json.Unmarshal([]byte(a.body), &got); err != nil {
			t.Fatalf("%v in %q", err, a.body)
		}
	}
	if want := (version.Versions{Server: version.Version, Cluster: "3.7.0", Storage: "3.7.0"}); got != want {
		t.Errorf("versions: %+v, want %+v", got, want)
	}
	if kind := a.header.Get("Content-Type"); kind != "application/json" {
		t.Errorf("content type %q", kind)
	}
	if a := s.do(http.MethodPost, "/version", ""); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET" {
		t.Errorf("POST: %d, allowed %q", a.status, a.header.Get("Allow"))
	}
}

func TestHealthPages(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	for path, want := range map[string]string{
		"/health":                   `{"health":"true","reason":""}`,
		"/health?serializable=true": `{"health":"true","reason":""}`,
		"/livez":                    "ok\n",
		"/livez?verbose":            "[+]serializable_read ok\nok\n",
		"/livez/serializable_read":  "ok\n",
		"/readyz":                   "ok\n",
		"/readyz?verbose": "[+]data_corruption ok\n[+]linearizable_read ok\n" +
			"[+]non_learner ok\n[+]serializable_read ok\nok\n",
		"/readyz?verbose&exclude=linearizable_read&exclude=no_such_check": "[+]data_corruption ok\n" +
			"[+]non_learner ok\n[+]serializable_read ok\nok\n",
		"/readyz/linearizable_read?verbose": "[+]linearizable_read ok\nok\n",
	} {
		if a := s.get(path); a.status != http.StatusOK || a.body != want {
			t.Errorf("%s: %d %q, want %q", path, a.status, a.body, want)
		}
	}
	if a := s.get("/readyz/no_such_check"); a.status != http.StatusNotFound {
		t.Errorf("unknown check: %d", a.status)
	}
	for _, path := range []string{"/health", "/livez", "/readyz", "/readyz/non_learner"} {
		if a := s.do(http.MethodPost, path, ""); a.status != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, a.status)
		}
	}
}

// An alarm makes the node unhealthy, unless the caller says that it does not
// mind. What it is about stands in the answer.
func TestHealthUnderAlarm(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	raise := func(action pb.AlarmRequest_AlarmAction, alarm pb.AlarmType) {
		t.Helper()
		_, err := pb.NewMaintenanceClient(s.Conn).Alarm(servetest.Context(t), &pb.AlarmRequest{Action: action, Alarm: alarm})
		if err != nil {
			t.Fatalf("%v %v: %v", action, alarm, err)
		}
	}
	raise(pb.AlarmRequest_ACTIVATE, pb.AlarmType_NOSPACE)
	a := s.get("/health")
	if a.status != http.StatusServiceUnavailable || strings.TrimSpace(a.body) != `{"health":"false","reason":"ALARM NOSPACE"}` {
		t.Errorf("/health: %d %s", a.status, a.body)
	}
	if a := s.get("/health?exclude=NOSPACE"); a.status != http.StatusOK {
		t.Errorf("/health without the alarm: %d %s", a.status, a.body)
	}
	if a := s.get("/readyz"); a.status != http.StatusOK {
		t.Errorf("/readyz: %d %s", a.status, a.body)
	}
	raise(pb.AlarmRequest_DEACTIVATE, pb.AlarmType_NOSPACE)

	raise(pb.AlarmRequest_ACTIVATE, pb.AlarmType_CORRUPT)
	a = s.get("/readyz?exclude=linearizable_read")
	want := "[-]data_corruption failed: alarm activated: CORRUPT\n[+]non_learner ok\n[+]serializable_read ok\n\n"
	if diff := cmp.Diff(want, a.body); diff != "" || a.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d %s", a.status, diff)
	}
	if a := s.get("/livez"); a.status != http.StatusOK {
		t.Errorf("/livez: %d %s", a.status, a.body)
	}
}

func TestUserHandlersStandBehindTheSameRules(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.HostWhitelist = map[string]struct{}{"127.0.0.1": {}}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "mine") })
	cfg.UserHandlers = map[string]http.Handler{"/mine": page, "/v3/": page, "{bad": page}
	s := newSite(t, cfg, serve.Seams{})
	if a := s.get("/mine"); a.body != "mine" {
		t.Errorf("own page: %d %q", a.status, a.body)
	}
	s.post("/v3/maintenance/status", "{}")
	if a := s.do(http.MethodGet, "/mine", "", asHost("evil.example")); a.status != http.StatusMisdirectedRequest {
		t.Errorf("own page, for an unknown host: %d", a.status)
	}
}
