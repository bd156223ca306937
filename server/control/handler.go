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

// prefix begins the path of every request that a Handler answers.
const prefix = "/v1/control/"

// Every request that changes something must have this header. A page in a browser
// cannot send it to another host: the browser asks that host first, and no GlassKV
// server allows it.
const (
	headerControl = "Glasskv-Control"
	controlValue  = "1"
)

const (
	maxBody = 64 << 10 // bytes
	maxWait = 30 * time.Second
)

// Handler serves a Steering over HTTP:
//
//	GET    /v1/control/holds?wait=10s      State; waits until a request is held, 30s at most
//	GET    /v1/control/holds/{id}          Report
//	POST   /v1/control/holds/{id}/step
//	POST   /v1/control/holds/{id}/continue
//	POST   /v1/control/holds/continue      all of them
//	POST   /v1/control/breaks              takes a Break
//	DELETE /v1/control/breaks/{stage}
//	DELETE /v1/control/breaks              all of them
//	GET    /v1/control/faults              a list of Faults
//	POST   /v1/control/faults              takes a Fault
//	DELETE /v1/control/faults/{name}
//	DELETE /v1/control/faults              all of them
//
// A change is answered with the new State or the new list of faults. An error is
// an object with the single member "error". Handler refuses clients on other machines;
// the caller must check the Host header.
func Handler(s Steering) http.Handler {
	c := Local(s)
	mux := http.NewServeMux()
	handle := func(pattern string, answers func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			out, err := answers(r)
			if err != nil {
				refuse(w, err)
				return
			}
			answer(w, http.StatusOK, out)
		})
	}
	handle("GET /v1/control/holds", func(r *http.Request) (any, error) {
		wait, err := waitOf(r)
		if err != nil {
			return nil, err
		}
		return c.State(r.Context(), wait)
	})
	handle("GET /v1/control/holds/{id}", withID(c.Hold))
	handle("POST /v1/control/holds/{id}/step", withID(c.Step))
	handle("POST /v1/control/holds/{id}/continue", withID(c.Continue))
	handle("POST /v1/control/holds/continue", func(r *http.Request) (any, error) { return c.Continue(r.Context(), 0) })
	handle("POST /v1/control/breaks", func(r *http.Request) (any, error) {
		b, err := decode[Break](r)
		if err == nil {
			err = b.check()
		}
		if err != nil {
			return nil, err
		}
		return c.SetBreak(r.Context(), b)
	})
	// Without {stage} or {name} in the pattern the value is empty, which means all.
	clearBreak := func(r *http.Request) (any, error) { return c.ClearBreak(r.Context(), r.PathValue("stage")) }
	handle("DELETE /v1/control/breaks/{stage}", clearBreak)
	handle("DELETE /v1/control/breaks", clearBreak)
	handle("GET /v1/control/faults", func(r *http.Request) (any, error) { return c.Faults(r.Context()) })
	handle("POST /v1/control/faults", func(r *http.Request) (any, error) {
		f, err := decode[Fault](r)
		if err != nil {
			return nil, err
		}
		return c.SetFault(r.Context(), f)
	})
	clearFault := func(r *http.Request) (any, error) { return c.ClearFault(r.Context(), r.PathValue("name")) }
	handle("DELETE /v1/control/faults/{name}", clearFault)
	handle("DELETE /v1/control/faults", clearFault)
	handle("/", func(r *http.Request) (any, error) {
		return nil, Unknown(fmt.Sprintf("nothing to %s at %s", r.Method, r.URL.Path))
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status, why := forbidden(r); why != "" {
			answer(w, status, problem{why})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// forbidden says why a request is refused before its path is looked at. Why is empty
// if it is not.
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

// waitOf reads ?wait=. Without it, the request does not wait.
func waitOf(r *http.Request) (time.Duration, error) {
	text := r.URL.Query().Get("wait")
	if text == "" {
		return 0, nil
	}
	wait, err := time.ParseDuration(text)
	if err != nil || wait < 0 {
		return 0, Mistake(fmt.Sprintf("wait=%s: use a time such as 2s", text))
	}
	return min(wait, maxWait), nil
}

// withID calls do with the ID in the request's path.
func withID[T any](do func(context.Context, int) (T, error)) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil || id <= 0 {
			return nil, Mistake(fmt.Sprintf("%q: a hold has a number above zero", r.PathValue("id")))
		}
		return do(r.Context(), id)
	}
}

// decode reads the request's body. It refuses members that it does not know, so that
// a misspelt one is not ignored.
func decode[T any](r *http.Request) (v T, err error) {
	dec := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return v, Mistake(fmt.Sprintf("body: %v", err))
	}
	return v, nil
}

// problem is the body of every answer but 200.
type problem struct {
	Error string `json:"error"`
}

const jsonType = "application/json"

func refuse(w http.ResponseWriter, err error) { answer(w, statusOf(err), problem{err.Error()}) }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the client has gone away
}
