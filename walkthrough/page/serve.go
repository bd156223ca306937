// Package page is the walk through a request in a browser: the waterfall of a real
// request, and beside it the chapter and the source of the stage at which one
// stands. It is served on the loopback interface and needs nothing from elsewhere.
//
//	serve.go     the listener, and the server around the handler
//	handler.go   the addresses, who is answered, and what is said when there is no such page
//	book.go      the requests that can be looked at
//	visit.go     what one request for a page asks for: which tour, which stop, which language
//	view.go      a page: the stop with everything around it
//	waterfall.go the rows and bars
//	stop.go      a stop: where it is, how long it took, where one can go from there
//	chapter.go   its text: prose, with the source in its place
//	control.go   holds and faults, for the script
//	templates/   the HTML
//	static/      style and script
//
// The addresses, of which those that change something are POST:
//
//	/                          the first stop of the newest request
//	/r/TRACE/STAGE             a stop; ?lang=en or zh, ?symbol= for source, ?print=all for the whole walk
//	/fragment/r/TRACE/STAGE    the stop alone, for the script
//	/requests/r/TRACE/STAGE    the list of requests, likewise
//	/stages/r/TRACE            every stage that there is a chapter about, likewise
//	/make                      makes a request and leads to it
//	/control/…                 holds and switches faults, for the script; where the server lets us
//	/static/NAME
//
// A page is whole without the script: it makes going from stop to stop quick, and
// adds keys. What clients sent is escaped twice: by package screen for what is
// invisible, and by html/template for what HTML would take for its own.
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
	Lang    lang.Lang          // unless the address asks for another
	Library *source.Library    // where upstream's source is
	Shown   []*trace.Timeline  // requests that are there from the start; at least one, or Live
	Stage   stages.Stage       // where the walk begins; None: at the first stop
	Live    Live               // makes more requests; nil: only those that are there are shown
	Kinds   []tour.Request     // what Live can make, as the menu offers it
	Control control.Controller // holds requests and switches faults; nil: that is not offered
	Shared  bool               // others use Live's server as well: its last requests are listed
}

// Live makes requests, and knows those of others. Its methods are called by any
// number of goroutines. A *tour.Live is one.
type Live interface {
	// Do makes the request of that name and returns its timeline.
	Do(ctx context.Context, name string) (*trace.Timeline, error)
	// Last returns the requests that the server finished last, the last one first.
	Last(ctx context.Context, n int) ([]*trace.Timeline, error)
	// Get returns a request that the server has seen. It returns
	// endpoint.ErrUnknown for one that it does not know.
	Get(ctx context.Context, traceID string) (*trace.Timeline, error)
}

// closeTimeout is how long pages that are being sent may take when it ends.
const closeTimeout = 2 * time.Second

// Serve shows the page until ctx ends, which is no error. It says on w where the
// page is. It returns an error at once for an address that is not on the loopback
// interface: there is no password, and a page shows what clients wrote.
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
		err = srv.Close() // whoever is still reading has had their time
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// Listen listens on a loopback address, "" being a free port there.
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

// announce says where the page is, and how one gets there from another machine.
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
