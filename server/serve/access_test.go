package serve_test

import (
	"net/http"
	"strings"
	"testing"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

func asHost(host string) func(*http.Request) { return func(r *http.Request) { r.Host = host } }

func fromOrigin(origin string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Origin", origin) }
}

// Only the hosts that are listed are served: a page that points its own name at
// this address is not.
func TestHostWhitelist(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.HostWhitelist = map[string]struct{}{"kv.example": {}}
	s := newSite(t, cfg, serve.Seams{})
	for host, want := range map[string]int{
		"kv.example":      http.StatusOK,
		"kv.example:2379": http.StatusOK,
		"evil.example":    http.StatusMisdirectedRequest,
		"kv.example.evil": http.StatusMisdirectedRequest,
	} {
		for _, path := range []string{"/version", "/metrics", "/health"} {
			a := s.do(http.MethodGet, path, "", asHost(host))
			if a.status != want {
				t.Errorf("%s of %s: %d, want %d", path, host, a.status, want)
			}
			if want != http.StatusOK && !strings.Contains(a.body, "--host-whitelist \"evil.example\"") && host == "evil.example" {
				t.Errorf("the refusal does not tell the way out: %s", a.body)
			}
		}
		if a := s.do(http.MethodPost, "/v3/kv/range", `{"key":"Zm9v"}`, asHost(host)); a.status != want {
			t.Errorf("gateway of %s: %d, want %d", host, a.status, want)
		}
	}
}

func TestEveryHostAndOriginByDefault(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	a := s.do(http.MethodGet, "/version", "", asHost("any.example"), fromOrigin("http://page.example"))
	if got := a.header.Get("Access-Control-Allow-Origin"); a.status != http.StatusOK || got != "*" {
		t.Errorf("%d, origin %q", a.status, got)
	}
}

func TestCORS(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.CORS = map[string]struct{}{"http://page.example": {}}
	s := newSite(t, cfg, serve.Seams{})

	known := s.do(http.MethodOptions, "/v3/kv/put", "", fromOrigin("http://page.example"))
	for name, want := range map[string]string{
		"Access-Control-Allow-Origin":  "http://page.example",
		"Access-Control-Allow-Methods": "POST, GET, OPTIONS, PUT, DELETE",
		"Access-Control-Allow-Headers": "accept, content-type, authorization",
	} {
		if got := known.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if known.status != http.StatusOK || known.body != "" {
		t.Errorf("preflight: %d %q", known.status, known.body)
	}
	other := s.do(http.MethodGet, "/version", "", fromOrigin("http://other.example"))
	if got := other.header.Values("Access-Control-Allow-Origin"); other.status != http.StatusOK || len(got) != 0 {
		t.Errorf("another origin: %d, allowed %q", other.status, got)
	}
}

// The path of older releases still leads to the gateway.
func TestOldPathOfTheGateway(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	if got := s.post("/v3beta/maintenance/status", "{}"); got["version"] == nil {
		t.Errorf("status: %v", got)
	}
}
