// Package page serves the walk through a request to a browser: the waterfall of a real
// request, and beside it the chapter and the source of one stage. It listens on the
// loopback interface, and its pages load nothing from other hosts.
//
//	serve.go     the listener, and the server around the handler
//	handler.go   the addresses, which requests are refused, and what the answer says then
//	book.go      the requests that can be shown
//	visit.go     what an address means: which request, which stop, which language
//	view.go      a page: the stop with everything around it
//	waterfall.go the rows and bars
//	stop.go      a stop: its times, its neighbours, the jumps from it
//	chapter.go   the text of a stop: prose, and the source that it quotes
//	control.go   holds and faults, for the script
//	templates/   the HTML
//	static/      style and script
//
// The addresses are these. All are GET, except /make and those below /control/ that
// change something, which are POST:
//
//	/                          the first stop of the newest request
//	/r/TRACE/STAGE             a stop; ?lang=en or zh, ?symbol= for source, ?print=all for the whole walk
//	/fragment/r/TRACE/STAGE    the stop alone, for the script
//	/requests/r/TRACE/STAGE    the list of requests, likewise
//	/stages/r/TRACE            the list of all stages, likewise
//	/make                      makes a request and redirects to it
//	/control/…                 holds and faults, for the script; if the server can be steered
//	/static/NAME
//
// A page is complete without the script, which makes moving between stops faster and
// adds keys. Text that clients sent is escaped twice: package screen replaces invisible
// characters, and html/template escapes HTML.
package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/tour"
)

// Options say what the page shows, and where.
type Options struct {
	Listen  string             // host:port on the loopback interface; empty: a free port
	Lang    lang.Lang          // the language if the address names none
	Library *source.Library    // has upstream's source
	Shown   []*trace.Timeline  // the requests that are shown from the start; may be empty only if Live is set
	Stage   stages.Stage       // the stage at which the walk begins; None: the first stop
	Live    Live               // makes more requests; nil: only Shown are shown
	Kinds   []tour.Request     // the requests that the menu offers to make
	Control control.Controller // holds requests and switches faults; nil: the page does not offer that
	Shared  bool               // the requests of other clients of Live's server are listed too
}

// Live makes requests on a server, and finds those of other clients. Its methods are
// called by any number of goroutines at once. *tour.Live implements it.
type Live interface {
	// Do makes the request of that name and returns its timeline.
	Do(ctx context.Context, name string) (*trace.Timeline, error)
	// Last returns the n requests that the server finished last, the newest first.
	Last(ctx context.Context, n int) ([]*trace.Timeline, error)
	// Get returns the request with this trace ID. It returns endpoint.ErrUnknown if the
	// server does not know it.
	Get(ctx context.Context, traceID string) (*trace.Timeline, error)
}

// closeTimeout limits how long Serve waits for answers that are being sent when ctx
// ends.
const closeTimeout = 2 * time.Second

// Serve serves the page until ctx ends, which is not an error. It writes the page's
// address to w. If o.Listen is not on the loopback interface, it returns an error: there
// is no password, and a page shows what clients wrote.
func Serve(ctx context.Context, w io.Writer, o Options) error {
	l, err := Listen(o.Listen)
	if err != nil {
		return err
	}
	if err := announce(w, l.Addr(), o.Lang); err != nil {
		return errors.Join(err, l.Close())
	}
	srv := &http.Server{
		Handler:           Handler(o),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve the page: %w", err)
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if srv.Shutdown(limit) != nil {
		err = srv.Close() // ends the answers that took longer
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Listen listens on a loopback address, or on a free loopback port if address is "". It
// returns an error for any other address.
func Listen(address string) (net.Listener, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: want host:port, such as 127.0.0.1:8080", address)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("listen address %q is not on the loopback interface: use 127.0.0.1:PORT, and `ssh -L` from elsewhere", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the page: %w", err)
	}
	return l, nil
}

// announce writes the page's address, and how to reach it from another machine.
func announce(w io.Writer, at net.Addr, l lang.Lang) error {
	_, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return fmt.Errorf("address of the page: %w", err)
	}
	_, err = fmt.Fprint(w, l.Say(
		"http://%[1]s/\n  from another machine: ssh -L %[2]s:%[1]s THIS-MACHINE, then open http://127.0.0.1:%[2]s/ there\n  Ctrl-C ends it\n",
		"http://%[1]s/\n  从别的机器看：ssh -L %[2]s:%[1]s 本机，然后在那边打开 http://127.0.0.1:%[2]s/\n  Ctrl-C 结束\n",
		at, port))
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
