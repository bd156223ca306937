package hold

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// SetBreak implements control.Holder.
func (h *Holds) SetBreak(b control.Break) error {
	if err := h.check(&b); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	b.Hits = 0
	h.breakpoints = slices.DeleteFunc(h.breakpoints, func(old *control.Break) bool { return old.Stage == b.Stage })
	h.breakpoints = append(h.breakpoints, &b)
	h.arm()
	return nil
}

// check returns a control.ErrMistake if no request could ever be held at the breakpoint.
// Its text names the nearest stage at which one could.
func (h *Holds) check(b *control.Break) error {
	stage, known := stages.ByName(b.Stage)
	if !known {
		return control.Mistake(fmt.Sprintf("no stage is called %q; `glasskv stages` lists them", b.Stage))
	}
	spec := stages.SpecOf(stage)
	near := stages.NearestHoldable(stage)
	switch {
	case spec.Seam == "":
		return control.Mistake(fmt.Sprintf("%s: this server never passes it; `glasskv explain %s` says why", b.Stage, b.Stage))
	case spec.Kind == stages.KindHeld:
		return control.Mistake(b.Stage + " is the hold itself: requests cannot be held there")
	case spec.Hold == "":
		return control.Mistake(fmt.Sprintf("requests cannot be held at %s; the nearest stage where they can is %s", b.Stage, near))
	case b.KeyPrefix != "" && stage < stages.CodecDecode:
		return control.Mistake(b.Stage + " begins before the request is decoded: its key is not known there yet")
	case b.KeyPrefix != "" && h.rec.Redacts():
		return control.Mistake("keys are not recorded with --redact: leave the key out")
	case len(b.KeyPrefix) > record.MaxKey:
		return control.Mistake(fmt.Sprintf("a key prefix of %d bytes: at most %d are looked at", len(b.KeyPrefix), record.MaxKey))
	case b.Timeout < 0 || time.Duration(b.Timeout) > control.MaxHoldTimeout:
		return control.Mistake(fmt.Sprintf("timeout %v: use a time above zero and not above %v", b.Timeout, control.MaxHoldTimeout))
	}
	return nil
}

// ClearBreak implements control.Holder.
func (h *Holds) ClearBreak(stage string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	before := len(h.breakpoints)
	h.breakpoints = slices.DeleteFunc(h.breakpoints, func(b *control.Break) bool { return stage == "" || b.Stage == stage })
	if stage != "" && len(h.breakpoints) == before {
		return control.Unknown(fmt.Sprintf("no breakpoint is set on %q; `glasskv hold` lists them", stage))
	}
	h.arm()
	return nil
}

// reason returns why a request is to be held at a stage, and for how long at most. If it
// is not to be held, why is empty. The caller holds h.mu.
func (h *Holds) reason(rec *record.Record, s stages.Stage) (why string, timeout time.Duration) {
	if h.stopped {
		return "", 0
	}
	if _, steps := h.stepping[rec.Outermost()]; steps {
		return trace.WhyStep, h.timeout
	}
	if b := h.breakpointFor(rec, s); b != nil {
		if b.Timeout > 0 {
			return trace.WhyBreakpoint, time.Duration(b.Timeout)
		}
		return trace.WhyBreakpoint, h.timeout
	}
	return "", 0
}

// breakpointFor returns the breakpoint that a request meets at a stage, or nil. The caller
// holds h.mu.
func (h *Holds) breakpointFor(rec *record.Record, s stages.Stage) *control.Break {
	for _, b := range h.breakpoints {
		if b.Stage == s.String() && isMethod(rec, b.Method) && rec.HasKeyPrefix([]byte(b.KeyPrefix)) {
			return b
		}
	}
	return nil
}

// isMethod reports whether a request calls a method, which may be written without its
// service. A request that the server makes on behalf of another, such as the transaction
// of a lock, counts as either of the two methods. An empty method is any method.
func isMethod(rec *record.Record, method string) bool {
	if method == "" {
		return true
	}
	for _, r := range [...]*record.Record{rec, rec.Outermost()} {
		if full := r.Facts().Method; full == method || strings.HasSuffix(full, "/"+method) {
			return true
		}
	}
	return false
}

// useUp is called when a request is held. It clears the step that asked for the hold, or
// counts the hit of the breakpoint and clears it if it was set for one hold. The caller
// holds h.mu.
func (h *Holds) useUp(rec *record.Record, s stages.Stage) {
	if _, steps := h.stepping[rec.Outermost()]; steps {
		delete(h.stepping, rec.Outermost())
	} else if b := h.breakpointFor(rec, s); b != nil {
		if b.Hits++; b.Once {
			h.breakpoints = slices.DeleteFunc(h.breakpoints, func(old *control.Break) bool { return old == b })
		}
	}
	h.arm()
}

// arm sets h.armed anew: the stages with a breakpoint, or all of them while a request
// steps. It forgets steps of requests that are finished. The caller holds h.mu.
func (h *Holds) arm() {
	for rec := range h.stepping {
		if rec.Finished() {
			delete(h.stepping, rec)
		}
	}
	var armed [len(h.armed)]bool
	switch {
	case h.stopped:
	case len(h.stepping) > 0:
		for _, spec := range stages.Specs() {
			if spec.Hold != "" {
				armed[spec.Stage] = true
			}
		}
	default:
		for _, b := range h.breakpoints {
			stage, _ := stages.ByName(b.Stage)
			armed[stage] = true
		}
	}
	armed[stages.None] = armed != [len(armed)]bool{} || len(h.held) > 0
	for s := range armed {
		h.armed[s].Store(armed[s])
	}
}

// Active reports whether a request is held, or may be at some stage. It costs one atomic
// load.
func (h *Holds) Active() bool { return h != nil && h.armed[stages.None].Load() }
