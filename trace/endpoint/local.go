package endpoint

import (
	"net"
	"net/http"
	"net/netip"
)

// IsLocal reports whether host, the name that r asked for without its port, is
// localhost, a loopback address, or the address that r's connection came in on.
// A page elsewhere that has its own name point here asks for that name, and is
// told apart by it. It is for handlers of an http.Server, which puts the local
// address into r's context.
func IsLocal(host string, r *http.Request) bool {
	if host == "localhost" {
		return true
	}
	asked, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	if asked.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap() == asked.Unmap()
}

// DefaultTraceURL is where a server offers its timelines when nothing else is
// said, and where the commands look for them.
const DefaultTraceURL = "http://127.0.0.1:2378"
