package page

import (
	"net/http"
	"net/url"

	"glasskv/trace/endpoint"
	"glasskv/walkthrough/lang"
)

// policy is what a browser may do with a page: use our own style, script, icon and
// addresses, and nothing else. Whatever a client wrote into a key, it cannot run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// mostForm bounds what a form may send, in bytes.
const mostForm = 4 << 10

// guarded answers only those who asked for this machine, lets no other site's page
// make requests, bounds what is sent, and adds the headers that every answer has.
func guarded(next http.Handler, l lang.Lang) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !endpoint.IsLocal((&url.URL{Host: r.Host}).Hostname(), r) {
			refuse(w, r, l, &refusal{http.StatusForbidden, l.Pick(
				"This page is answered under this machine's own address only.", "本页只应答本机自己的地址。")})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		next.ServeHTTP(w, r)
	})
}
