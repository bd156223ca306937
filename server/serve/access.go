package serve

import (
	"fmt"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"go.etcd.io/etcd/pkg/v3/httputil"
)

// accessController refuses HTTP requests for unknown hosts, and tells browsers which
// origins may read the answers. Upstream, embed has a type of the same name.
type accessController struct {
	lg      *zap.Logger
	hosts   map[string]struct{}
	origins map[string]struct{}
	next    http.Handler
}

// newAccessController returns a handler that applies cfg's HostWhitelist and CORS, and
// calls next for the requests that pass.
func newAccessController(lg *zap.Logger, cfg HTTPConfig, next http.Handler) http.Handler {
	return &accessController{lg: lg, hosts: cfg.HostWhitelist, origins: cfg.CORS, next: next}
}

func (ac *accessController) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if old := "/v3beta/"; strings.HasPrefix(r.URL.Path, old) {
		r.URL.Path = "/v3/" + strings.TrimPrefix(r.URL.Path, old)
	}
	// With TLS the host need not be checked: a page that points its own name at this
	// address has no certificate for that name.
	if host := httputil.GetHostname(r); r.TLS == nil && !allowed(ac.hosts, host) {
		ac.lg.Warn("refusing an HTTP request for an unknown host, which may be DNS rebinding",
			zap.String("host", host))
		http.Error(w, unknownHostText(host), http.StatusMisdirectedRequest)
		return
	}
	if allowed(ac.origins, "*") {
		addCORSHeader(w, "*")
	} else if origin := r.Header.Get("Origin"); allowed(ac.origins, origin) {
		addCORSHeader(w, origin)
	}
	if r.Method == http.MethodOptions {
		w.WriteHeader(http.StatusOK)
		return
	}
	ac.next.ServeHTTP(w, r)
}

// allowed reports whether the name is in the list. Every name is in an empty list, and in
// a list with "*".
func allowed(list map[string]struct{}, name string) bool {
	_, all := list["*"]
	_, this := list[name]
	return len(list) == 0 || all || this
}

// addCORSHeader sets the headers that let pages of the origin read the answer.
func addCORSHeader(w http.ResponseWriter, origin string) {
	h := w.Header()
	h.Add("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE")
	h.Add("Access-Control-Allow-Origin", origin)
	h.Add("Access-Control-Allow-Headers", "accept, content-type, authorization")
}

// unknownHostText is the answer to a request for an unknown host.
func unknownHostText(host string) string {
	return fmt.Sprintf(`
The request has reached GlassKV, but for a host that it does not know: %q.

Either serve clients over TLS, where every host is accepted, or allow this one:

  glasskv serve --host-whitelist %q

Without such a list any web page could have a browser on this network send requests here,
under a name that the page's owner points at this address (DNS rebinding, CVE-2018-5702).
`, host, host)
}
