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
	h.breaks = slices.DeleteFunc(h.breaks, func(old *control.Break) bool { return old.Stage == b.Stage })
	h.breaks = append(h.breaks, &b)
	h.arm()
	return nil
}

// check refuses breakpoints at which nothing could ever be held, and says where
// something could.
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
		return control.Mistake(b.Stage + " is the hold itself, and no place to be held at")
	case spec.Hold == "":
		return control.Mistake(fmt.Sprintf("%s is not begun at a place where one could wait; the nearest such stage is %s", b.Stage, near))
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
	before := len(h.breaks)
	h.breaks = slices.DeleteFunc(h.breaks, func(b *control.Break) bool { return stage == "" || b.Stage == stage })
	if stage != "" && len(h.breaks) == before {
		return control.Unknown(fmt.Sprintf("no breakpoint is set on %q; `glasskv hold` lists them", stage))
	}
	h.arm()
	return nil
}

// wanted says why a request is to be held at a stage, and for how long at most;
// an empty word means that it is not.
func (h *Holds) wanted(rec *record.Record, s stages.Stage) (why string, timeout time.Duration) {
	if h.stopped {
		return "", 0
	}
	if _, steps := h.stepping[rec.Outermost()]; steps {
		return trace.WhyStep, h.timeout
	}
	if b := h.breakFor(rec, s); b != nil {
		if b.Timeout > 0 {
			return trace.WhyBreakpoint, time.Duration(b.Timeout)
		}
		return trace.WhyBreakpoint, h.timeout
	}
	return "", 0
}

func (h *Holds) breakFor(rec *record.Record, s stages.Stage) *control.Break {
	for _, b := range h.breaks {
		if b.Stage == s.String() && isMethod(rec, b.Method) && rec.HasKeyPrefix([]byte(b.KeyPrefix)) {
			return b
		}
	}
	return nil
}

// isMethod reports whether a request is of a method, which may be written without
// its service. What is made inside a request counts as that one too: the
// transaction in a lock.
func isMethod(rec *record.Record, method string) bool {
	if method == "" {
		return true
	}
	for _, r := range [...]*record.Record{rec, rec.Outermost()} {
		if of := r.Facts().Method; of == method || strings.HasSuffix(of, "/"+method) {
			return true
		}
	}
	return false
}

// taken is called when a request is held: what held it has done its work.
func (h *Holds) taken(rec *record.Record, s stages.Stage) {
	if _, steps := h.stepping[rec.Outermost()]; steps {
		delete(h.stepping, rec.Outermost())
	} else if b := h.breakFor(rec, s); b != nil {
		if b.Hits++; b.Once {
			h.breaks = slices.DeleteFunc(h.breaks, func(old *control.Break) bool { return old == b })
		}
	}
	h.arm()
}

// arm tells the seams at which stages somebody may be held: those with a
// breakpoint, and all of them while a request steps. What stands for no stage says
// that there is anything at all.
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
		for _, b := range h.breaks {
			stage, _ := stages.ByName(b.Stage)
			armed[stage] = true
		}
	}
	armed[stages.None] = armed != [len(armed)]bool{} || len(h.held) > 0
	for s := range armed {
		h.armed[s].Store(armed[s])
	}
}

// Awake reports whether somebody is held, or may be.
func (h *Holds) Awake() bool { return h != nil && h.armed[stages.None].Load() }
