package serve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"

	"go.etcd.io/etcd/client/pkg/v3/types"
)

// ListenError is returned by Start when an address cannot be listened on. It
// wraps what the system said, so that errors.Is(err, syscall.EADDRINUSE) tells
// whether another process has it.
type ListenError struct {
	// For is "client" or "peer", for which side the address was meant.
	For string
	// URL is the address as it was configured.
	URL url.URL
	// Err is the error of net.Listen.
	Err error
}

func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s URL %s: %v", e.For, e.URL.String(), e.Err)
}

// Unwrap returns the error of net.Listen.
func (e *ListenError) Unwrap() error { return e.Err }

// listen opens one listener for each URL. When one fails, those before it are
// closed again.
func listen(ctx context.Context, side string, urls types.URLs) ([]net.Listener, error) {
	var listeners []net.Listener
	for _, u := range urls {
		l, err := listenURL(ctx, side, u)
		if err != nil {
			closeAll(listeners)
			return nil, err
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func listenURL(ctx context.Context, side string, u url.URL) (net.Listener, error) {
	network, addr, _ := resolveURL(u)
	if network == "unix" {
		// A socket file that a killed process left behind is in the way.
		if err := os.Remove(addr); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, &ListenError{For: side, URL: u, Err: err}
		}
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, addr)
	if err != nil {
		return nil, &ListenError{For: side, URL: u, Err: err}
	}
	return l, nil
}

// resolveURL takes a URL apart as package net wants it. It is upstream's function
// of that name.
func resolveURL(u url.URL) (network, addr string, secure bool) {
	switch u.Scheme {
	case "unix", "unixs":
		return "unix", u.Host + u.Path, u.Scheme == "unixs"
	default:
		return "tcp", u.Host, u.Scheme == "https"
	}
}

// closeAll closes listeners of which nobody else knows yet, or any more. That a
// listener was closed before is not an error worth telling.
func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}
