package control

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Prefix is where the requests of a Handler begin.
const Prefix = "/v1/control/"

// The header without which nothing is changed. A page in a browser cannot send
// it to another host, for a server that is asked beforehand never allows it.
const (
	headerControl = "Glasskv-Control"
	controlValue  = "1"
)

const (
	maxBody = 64 << 10
	maxWait = 30 * time.Second
)

// Handler answers for a Steering:
//
//	GET    /v1/control/holds?wait=10s      State; waits until something is held
//	GET    /v1/control/holds/{id}          Report
//	POST   /v1/control/holds/{id}/step
//	POST   /v1/control/holds/{id}/continue
//	POST   /v1/control/holds/continue      all of them
//	POST   /v1/control/breaks              a Break
//	DELETE /v1/control/breaks/{stage}
//	DELETE /v1/control/breaks              all of them
//	GET    /v1/control/faults              a list of Faults
//	POST   /v1/control/faults              a Fault
//	DELETE /v1/control/faults/{name}
//	DELETE /v1/control/faults              all of them
//
// A change answers with the State, or with the list of faults, as it is then.
// Errors are objects with the single member "error". Only clients on this machine
// are answered. Whoever mounts it decides which hosts may be asked for.
func Handler(s Steering) http.Handler {
	h := &handler{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/control/holds", h.state)
	mux.HandleFunc("GET /v1/control/holds/{id}", h.report)
	mux.HandleFunc("POST /v1/control/holds/{id}/step", h.one(s.Step))
	mux.HandleFunc("POST /v1/control/holds/{id}/continue", h.one(s.Continue))
	mux.HandleFunc("POST /v1/control/holds/continue", h.change(func(*http.Request) error { return s.Continue(0) }))
	mux.HandleFunc("POST /v1/control/breaks", h.change(h.setBreak))
	mux.HandleFunc("DELETE /v1/control/breaks/{stage}", h.change(func(r *http.Request) error { return s.ClearBreak(r.PathValue("stage")) }))
	mux.HandleFunc("DELETE /v1/control/breaks", h.change(func(*http.Request) error { return s.ClearBreak("") }))
	mux.HandleFunc("GET /v1/control/faults", h.faults)
	mux.HandleFunc("POST /v1/control/faults", h.changeFaults(h.setFault))
	mux.HandleFunc("DELETE /v1/control/faults/{name}", h.changeFaults(func(r *http.Request) error { return s.ClearFault(r.PathValue("name")) }))
	mux.HandleFunc("DELETE /v1/control/faults", h.changeFaults(func(*http.Request) error { return s.ClearFault("") }))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, Unknown(fmt.Sprintf("nothing to %s at %s", r.Method, r.URL.Path)))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, why := forbidden(r); why != "" {
			answer(w, status, problem{why})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// forbidden says why a request is not even looked at.
func forbidden(r *http.Request) (status int, why string) {
	if from, err := netip.ParseAddrPort(r.RemoteAddr); err != nil || !from.Addr().Unmap().IsLoopback() {
		return http.StatusForbidden, "a server is steered from its own machine only"
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return 0, ""
	}
	if r.Header.Get(headerControl) != controlValue {
		return http.StatusForbidden, fmt.Sprintf("a request that changes something needs the header %s: %s", headerControl, controlValue)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != jsonType {
		return http.StatusUnsupportedMediaType, "Content-Type must be " + jsonType
	}
	return 0, ""
}

type handler struct{ s Steering }

// state answers at once, or with ?wait= when something is held.
func (h *handler) state(w http.ResponseWriter, r *http.Request) {
	wait := time.Duration(0)
	if text := r.URL.Query().Get("wait"); text != "" {
		var err error
		if wait, err = time.ParseDuration(text); err != nil || wait < 0 {
			refuse(w, Mistake(fmt.Sprintf("wait=%s: use a time such as 2s", text)))
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), min(wait, maxWait))
	defer cancel()
	h.awaitHold(ctx)
	answer(w, http.StatusOK, h.s.State())
}

// awaitHold returns when something is held, or ctx has ended.
func (h *handler) awaitHold(ctx context.Context) {
	held := make(chan struct{}, 1)
	cancel := h.s.Watch(func(e Event) {
		if e.Kind == Held {
			select {
			case held <- struct{}{}:
			default:
			}
		}
	})
	defer cancel()
	if len(h.s.State().Holds) > 0 {
		return
	}
	select {
	case <-held:
	case <-ctx.Done():
	}
}

func (h *handler) report(w http.ResponseWriter, r *http.Request) {
	id, err := idOf(r)
	if err != nil {
		refuse(w, err)
		return
	}
	report, err := h.s.Hold(id)
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, report)
}

func idOf(r *http.Request) (int, error) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id <= 0 {
		return 0, Mistake(fmt.Sprintf("%q: a hold has a number above zero", r.PathValue("id")))
	}
	return id, nil
}

// one makes a change to one hold.
func (h *handler) one(do func(id int) error) http.HandlerFunc {
	return h.change(func(r *http.Request) error {
		id, err := idOf(r)
		if err != nil {
			return err
		}
		return do(id)
	})
}

func (h *handler) change(do func(*http.Request) error) http.HandlerFunc {
	return changing(do, func() any { return h.s.State() })
}

func (h *handler) changeFaults(do func(*http.Request) error) http.HandlerFunc {
	return changing(do, func() any { return h.s.Faults() })
}

func changing(do func(*http.Request) error, after func() any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := do(r); err != nil {
			refuse(w, err)
			return
		}
		answer(w, http.StatusOK, after())
	}
}

func (h *handler) setBreak(r *http.Request) error {
	b, err := read[Break](r)
	if err == nil {
		err = b.check()
	}
	if err != nil {
		return err
	}
	return h.s.SetBreak(b)
}

func (h *handler) setFault(r *http.Request) error {
	f, err := read[Fault](r)
	if err != nil {
		return err
	}
	return h.s.SetFault(f)
}

func (h *handler) faults(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, h.s.Faults())
}

// read takes the request's body apart. A member that is misspelt is a mistake and
// not left out in silence.
func read[T any](r *http.Request) (v T, err error) {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return v, Mistake(fmt.Sprintf("body: %v", err))
	}
	return v, nil
}

// problem is the body of every answer that is no success.
type problem struct {
	Error string `json:"error"`
}

const jsonType = "application/json"

func refuse(w http.ResponseWriter, err error) { answer(w, statusOf(err), problem{err.Error()}) }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // fails only when the client has gone away
}
