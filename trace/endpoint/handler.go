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
	// defaultCount is how many requests are listed when no number is given.
	defaultCount = 20
	// maxWait bounds ?wait=, whatever is asked for.
	maxWait = 30 * time.Second
)

// Handler answers from what rc holds. It answers only those who asked for it by
// an address or as localhost: a web page can make a browser ask under a name of
// its own that it points to this machine, but not under these.
func Handler(rc *record.Recorder, options ...Option) http.Handler {
	h := &handler{rc: rc}
	for _, o := range options {
		o(h)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/requests", h.list)
	mux.HandleFunc("/v1/requests/{trace_id}", h.one)
	mux.HandleFunc("/v1/status", h.status)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, http.StatusNotFound, fmt.Errorf("nothing at %s: try /v1/requests or /v1/status", r.URL.Path))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case !ours(r):
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

// ours reports whether a request asked for this machine.
func ours(r *http.Request) bool {
	return IsLocal((&url.URL{Host: r.Host}).Hostname(), r)
}

// Option adds something to a Handler.
type Option func(*handler)

// WithControl has control answer what begins with /v1/control/: whoever may see
// what a server did may then also steer it. Without it these requests are told
// how a server is started that can be steered.
func WithControl(control http.Handler) Option {
	return func(h *handler) { h.control = control }
}

type handler struct {
	rc      *record.Recorder
	control http.Handler // nil where nobody may steer
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
			return // the client has gone away
		}
	}
}

// pick reads ?last= or ?slowest=.
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

func (h *handler) one(w http.ResponseWriter, r *http.Request) {
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
	_ = json.NewEncoder(w).Encode(v) // fails only when the client has gone away
}

// problem is the body of every answer that is no success.
type problem struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, status int, why error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{why.Error()})
}

// Serve answers on l until stop is called. Stop breaks off those who wait for a
// request, lets the others have their answer, closes the listener and returns
// when nothing of the server is left, or with ctx's error.
func Serve(l net.Listener, rc *record.Recorder, options ...Option) (stop func(ctx context.Context) error) {
	waiting, leave := context.WithCancel(context.Background())
	srv := &http.Server{
		Handler:           Handler(rc, options...),
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
