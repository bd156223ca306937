package command

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"glasskv/server/serve"
)

// listenURL is a flag for an address to listen on, http://host:port or
// https://host:port. An empty value means nowhere.
type listenURL struct {
	value string
	given bool // false if value is the default, which may be replaced by a free port
}

func (u *listenURL) String() string { return u.value }
func (u *listenURL) Type() string   { return "string" }

func (u *listenURL) Set(s string) error {
	if s != "" {
		parsed, err := url.Parse(s)
		if err != nil {
			return err
		}
		if parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "" || parsed.Port() == "" {
			return fmt.Errorf("%q is not of the form http://host:port", s)
		}
	}
	u.value, u.given = s, true
	return nil
}

// listen opens the port. For https it serves the certificate of the clients'
// addresses. If the port is taken and the user has not chosen it, listen opens any
// free port, so that a second server on the machine starts as well.
func (u *listenURL) listen(lg *zap.Logger, certs serve.TLSConfig) (net.Listener, error) {
	parsed, err := url.Parse(u.value)
	if err != nil {
		return nil, err
	}
	var secure *tls.Config
	if parsed.Scheme == "https" {
		if secure, err = certs.ServerConfig(lg); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", parsed.Host)
	if errors.Is(err, syscall.EADDRINUSE) && !u.given {
		l, err = net.Listen("tcp", net.JoinHostPort(parsed.Hostname(), "0"))
	}
	if err != nil {
		return nil, err
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		lg.Warn("what requests carry can be seen from other machines", zap.String("url", u.urlOf(l)))
	}
	if secure != nil {
		secure.NextProtos = []string{"http/1.1"}
		l = tls.NewListener(l, secure)
	}
	return l, nil
}

// urlOf returns the URL of a listener that listen has opened.
func (u *listenURL) urlOf(l net.Listener) string {
	scheme, _, _ := strings.Cut(u.value, ":")
	return scheme + "://" + l.Addr().String()
}
