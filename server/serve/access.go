package serve

import (
	"fmt"
	"net/http"
	"strings"

	"go.uber.org/zap"

	"go.etcd.io/etcd/pkg/v3/httputil"
)

// accessController decides who is answered at all. It stands for embed's
// accessController.
type accessController struct {
	lg      *zap.Logger
	hosts   map[string]struct{}
	origins map[string]struct{}
	next    http.Handler
}

// AccessController puts the rules of a node's own pages around other pages:
// those for debugging, say, that stand on an address of their own.
func AccessController(lg *zap.Logger, cfg HTTPConfig, next http.Handler) http.Handler {
	return &accessController{lg: lg, hosts: cfg.HostWhitelist, origins: cfg.CORS, next: next}
}

func (ac *accessController) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if old := "/v3beta/"; strings.HasPrefix(r.URL.Path, old) {
		r.URL.Path = "/v3/" + strings.TrimPrefix(r.URL.Path, old)
	}
	// With TLS the certificate says who is asked, and a page that points its own
	// name here does not have it.
	if host := httputil.GetHostname(r); r.TLS == nil && !allowed(ac.hosts, host) {
		ac.lg.Warn("refusing an HTTP request for an unknown host, which may be DNS rebinding",
			zap.String("host", host))
		http.Error(w, unknownHost(host), http.StatusMisdirectedRequest)
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

// allowed reports whether a list has the name. One without entries has any name,
// and so has one with "*".
func allowed(list map[string]struct{}, name string) bool {
	_, all := list["*"]
	_, this := list[name]
	return len(list) == 0 || all || this
}

// addCORSHeader lets pages of that origin read the answer.
func addCORSHeader(w http.ResponseWriter, origin string) {
	h := w.Header()
	h.Add("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE")
	h.Add("Access-Control-Allow-Origin", origin)
	h.Add("Access-Control-Allow-Headers", "accept, content-type, authorization")
}

// unknownHost tells a person how to be let in.
func unknownHost(host string) string {
	return fmt.Sprintf(`
The request has reached GlassKV, but for a host that it does not know: %q.

Either serve clients over TLS, where every host is accepted, or allow this one:

  glasskv serve --host-whitelist %q

Without such a list any web page could have a browser on this network send requests here,
under a name that the page's owner points at this address (DNS rebinding, CVE-2018-5702).
`, host, host)
}
