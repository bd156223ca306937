package serve

import (
	"context"
	"fmt"
	"net"
	"net/url"

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
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", u.Host)
		if err != nil {
			closeAll(listeners)
			return nil, &ListenError{For: side, URL: u, Err: err}
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// closeAll closes listeners of which nobody else knows yet, or any more. That a
// listener was closed before is not an error worth telling.
func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// listenedURLs returns the addresses of listeners as URLs, with the ports that
// the system chose.
func listenedURLs(listeners []net.Listener) types.URLs {
	urls := make(types.URLs, len(listeners))
	for i, l := range listeners {
		urls[i] = url.URL{Scheme: "http", Host: l.Addr().String()}
	}
	urls.Sort()
	return urls
}
