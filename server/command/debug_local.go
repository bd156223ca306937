package command

import (
	"fmt"
	"net/http"
	"net/url"

	"glasskv/trace/endpoint"
)

// localOnly answers those who ask for localhost, for an address of this machine,
// or for a host that was listed by its name. Any other name may be one that a web
// page points here, to have a browser on this machine look around.
func localOnly(hosts map[string]struct{}, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		if _, listed := hosts[host]; !listed && !endpoint.IsLocal(host, r) {
			http.Error(w, fmt.Sprintf("host %q is not this server: use its address, localhost, or --host-whitelist", host),
				http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
