package client

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync/atomic"

	"glasskv/trace/endpoint"
)

// ErrNoTraceURL is returned by Join and JoinAll when the server has not said
// where its timelines are: it records none, or it is no GlassKV.
var ErrNoTraceURL = errors.New("the server does not say where its timelines are: is it a GlassKV with --trace on?")

// serverPart knows where the server's timelines are fetched.
type serverPart struct {
	fixed     string // what the user said
	endpoints []string
	heard     atomic.Pointer[string] // what the server said last
	http      http.Client
}

// hear notes what a reply said. A reply without it, such as that to an unknown
// method, changes nothing.
func (p *serverPart) hear(said string) {
	if said != "" {
		p.heard.Store(&said)
	}
}

func (p *serverPart) client() (*endpoint.Client, error) {
	base := p.fixed
	if base == "" {
		said := p.heard.Load()
		if said == nil {
			return nil, ErrNoTraceURL
		}
		base = *said
	}
	base, err := p.reachable(base)
	if err != nil {
		return nil, err
	}
	return &endpoint.Client{Base: base, HTTP: &p.http}, nil
}

// reachable makes an address that can be asked of one that was listened on: a
// server that listens on every address is found where its requests go.
func (p *serverPart) reachable(base string) (string, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("trace endpoint %q is not of the form http://host:port", base)
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.IsUnspecified() {
		if host, _, err := net.SplitHostPort(p.endpoints[0]); err == nil {
			u.Host = net.JoinHostPort(host, u.Port())
		}
	}
	return u.Scheme + "://" + u.Host, nil
}
