package command

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	"go.uber.org/zap"

	"glasskv/server/serve"
	"glasskv/trace/endpoint"
	"glasskv/trace/record"
)

// listenURL is a flag that knows whether it was given: the default gives way
// when its port is taken, a choice does not.
type listenURL struct {
	value string
	given bool
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

// listen opens the port, behind the certificate of clients' addresses where that
// is asked for. Two servers on one machine both start: the second one finds the
// default port taken and takes any.
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
		lg.Warn("what requests carry can be seen from other machines", zap.String("url", u.at(l)))
	}
	if secure != nil {
		secure.NextProtos = []string{"http/1.1"}
		l = tls.NewListener(l, secure)
	}
	return l, nil
}

// at returns where a listener can be reached.
func (u *listenURL) at(l net.Listener) string {
	scheme, _, _ := strings.Cut(u.value, ":")
	return scheme + "://" + l.Addr().String()
}

// endpointServer serves finished timelines on a port of its own, never the one
// that is traced. A nil one serves nothing.
type endpointServer struct {
	base     string
	listener net.Listener
	stop     func(context.Context) error // nil until it serves
}

// listenTimelines takes hold of the port, so that its address is known before
// there is anything to serve.
func listenTimelines(lg *zap.Logger, at listenURL, certs serve.TLSConfig) (*endpointServer, error) {
	if at.value == "" {
		return nil, nil
	}
	l, err := at.listen(lg, certs)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("--listen-trace-url %s: the port is in use; choose another, or \"\" for none: %w", at.value, err)
	} else if err != nil {
		return nil, fmt.Errorf("--listen-trace-url %s: %w", at.value, err)
	}
	return &endpointServer{base: at.at(l), listener: l}, nil
}

func (s *endpointServer) serve(lg *zap.Logger, rec *record.Recorder, options ...endpoint.Option) {
	if s == nil {
		return
	}
	s.stop = endpoint.Serve(s.listener, rec, options...)
	lg.Info("serving timelines", zap.String("url", s.base))
}

// isLoopback reports whether only this machine can reach it.
func (s *endpointServer) isLoopback() bool {
	tcp, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (s *endpointServer) url() string {
	if s == nil {
		return ""
	}
	return s.base
}

func (s *endpointServer) close(ctx context.Context) error {
	switch {
	case s == nil:
		return nil
	case s.stop == nil:
		return s.listener.Close()
	}
	return s.stop(ctx)
}
