package endpoint

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"glasskv/trace"
	"glasskv/trace/record"
)

const (
	// defaultCount is how many requests are listed if the client gives no number.
	defaultCount = 20
	// maxWait bounds ?wait=.
	maxWait = 30 * time.Second
)

// newHandler returns the handler of the endpoint's requests. It answers only requests whose
// Host is local; see IsLocal.
func newHandler(rc *record.Recorder, options ...Option) http.Handler {
	h := &handler{rc: rc}
	for _, o := range options {
		o(h)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/requests", h.list)
	mux.HandleFunc("/v1/requests/{trace_id}", h.request)
	mux.HandleFunc("/v1/status", h.status)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Errorf("nothing at %s: try /v1/requests or /v1/status", r.URL.Path))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case !IsLocal((&url.URL{Host: r.Host}).Hostname(), r):
			refuse(w, http.StatusForbidden, fmt.Errorf("host %q is not this server: use its address, or localhost", r.Host))
		case strings.HasPrefix(r.URL.Path, controlPrefix):
			h.steer(w, r)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("method %s: use GET", r.Method))
		default:
			mux.ServeHTTP(w, r)
		}
	})
}

// Option is an option of Serve.
type Option func(*handler)

// WithControl passes requests for paths that begin with /v1/control/ to control, which steers
// the server. So every program that can read the timelines can also steer the server. Without
// this option such requests are refused with a hint how to start a server with it.
func WithControl(control http.Handler) Option {
	return func(h *handler) { h.control = control }
}

type handler struct {
	rc      *record.Recorder
	control http.Handler // nil without WithControl
}

const controlPrefix = "/v1/control/"

func (h *handler) steer(w http.ResponseWriter, r *http.Request) {
	if h.control == nil {
		refuse(w, http.StatusNotImplemented, errors.New("this server cannot be steered: start it with --control, --break STAGE or --fault FAULT"))
		return
	}
	h.control.ServeHTTP(w, r)
}

func (h *handler) list(w http.ResponseWriter, r *http.Request) {
	records, err := h.pick(r.URL.Query())
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	origin := r.URL.Query().Get("origin") == "true"
	w.Header().Set("Content-Type", "application/jsonl")
	enc := json.NewEncoder(w)
	for _, rec := range records {
		whole := envelopeOf(rec)
		var line any = whole
		if !origin {
			line = whole.Timeline
		}
		if enc.Encode(line) != nil {
			return // the client is gone
		}
	}
}

// pick returns the records that ?last= or ?slowest= asks for.
func (h *handler) pick(q url.Values) ([]*record.Record, error) {
	last, slowest := q.Get("last"), q.Get("slowest")
	switch {
	case last != "" && slowest != "":
		return nil, errors.New("last and slowest at once: use one of them")
	case slowest != "":
		n, err := count("slowest", slowest)
		return h.rc.Slowest(n), err
	case last != "":
		n, err := count("last", last)
		return h.rc.Last(n), err
	}
	return h.rc.Last(defaultCount), nil
}

func count(name, text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%s=%s: use a number above zero", name, text)
	}
	return int(n), nil
}

func (h *handler) request(w http.ResponseWriter, r *http.Request) {
	wait, err := waitOf(r.URL.Query().Get("wait"))
	if err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	id := r.PathValue("trace_id")
	rec, err := h.rc.WaitFor(ctx, id)
	switch {
	case errors.Is(err, trace.ErrTraceID):
		refuse(w, http.StatusBadRequest, err)
	case err != nil:
		refuse(w, http.StatusNotFound, fmt.Errorf("no finished request with trace ID %s", id))
	default:
		answer(w, envelopeOf(rec))
	}
}

func waitOf(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0, fmt.Errorf("wait=%s: use a time such as 2s", text)
	}
	return min(wait, maxWait), nil
}

func (h *handler) status(w http.ResponseWriter, _ *http.Request) { answer(w, h.rc.Stats()) }

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails only if the client is gone
}

// problem is the body of every answer that reports an error.
type problem struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, why error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{why.Error()})
}

// Serve starts a server of rc's timelines on l and returns. The server runs until stop is
// called. Stop closes the listener, cancels the requests that wait for a timeline, and
// returns when all others are answered and the server's goroutines have ended. If ctx ends
// first, stop closes the connections and returns ctx's error. It may be called again.
func Serve(l net.Listener, rc *record.Recorder, options ...Option) (stop func(ctx context.Context) error) {
	waiting, leave := context.WithCancel(context.Background())
	srv := &http.Server{
		Handler:           newHandler(rc, options...),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      maxWait + 30*time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		BaseContext:       func(net.Listener) context.Context { return waiting },
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	return func(ctx context.Context) error {
		leave()
		err := srv.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		ended <- http.ErrServerClosed // for a second stop
		return err
	}
}

// IsLocal reports whether host is localhost, a loopback address, or the address on which the
// server accepted r's connection. Host is a host name of r, such as the one of its Host
// header, without the port. A handler that refuses all other hosts is safe from DNS
// rebinding, with which a web page makes a browser send requests to this machine under a name
// of the page's own. r must come from an http.Server, which puts the local address into its
// context.
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

// DefaultTraceURL is where a server serves its timelines, and where commands ask for them,
// unless a flag says otherwise.
const DefaultTraceURL = "http://127.0.0.1:2378"
