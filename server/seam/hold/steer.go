package hold

import (
	"fmt"
	"slices"
	"sync"

	"glasskv/server/control"
	"glasskv/trace"
)

// State implements control.Holder.
func (h *Holds) State() control.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.arm() // forgets the steps of requests that are finished
	st := control.State{Breaks: []control.Break{}, Holds: []control.Hold{}, Passed: h.passed}
	for _, b := range h.breakpoints {
		st.Breaks = append(st.Breaks, *b)
	}
	for _, req := range h.held {
		if !req.released { // else its goroutine is about to take it off the list
			st.Holds = append(st.Holds, h.current(req))
		}
	}
	return st
}

// current returns a hold with the number of requests that wait behind it now.
func (h *Holds) current(req *heldRequest) control.Hold {
	hold := req.Hold
	hold.HeldUp = h.countBehind(req)
	return hold
}

// Step implements control.Holder.
func (h *Holds) Step(id int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	req, err := h.find(id)
	if err != nil {
		return err
	}
	h.stepping[req.rec.Outermost()] = struct{}{}
	h.arm() // before the request can reach its next stage
	req.release(trace.EndedStepped)
	return nil
}

// Continue implements control.Holder.
func (h *Holds) Continue(id int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id == 0 {
		for _, req := range h.held {
			req.release(trace.EndedContinued)
		}
		return nil
	}
	req, err := h.find(id)
	if err != nil {
		return err
	}
	req.release(trace.EndedContinued)
	return nil
}

// release lets a held request go on. If it is called more than once, the first call counts.
// The caller holds Holds.mu.
func (r *heldRequest) release(how string) {
	if !r.released {
		r.released = true
		r.ended <- how
	}
}

// find returns the hold with an ID, or a control.ErrUnknown. The caller holds h.mu.
func (h *Holds) find(id int) (*heldRequest, error) {
	for _, req := range h.held {
		if req.ID == id {
			return req, nil
		}
	}
	if id > 0 && id <= h.lastID {
		return nil, control.Unknown(fmt.Sprintf("hold %d is over; `glasskv hold` lists the requests that are held", id))
	}
	return nil, control.Unknown(fmt.Sprintf("there is no hold %d; `glasskv hold` lists the requests that are held", id))
}

// Watch implements control.Steering. It also calls receive with the events that others
// Publish.
func (h *Holds) Watch(receive func(control.Event)) (cancel func()) {
	return h.events.subscribe(receive)
}

// Publish calls every function that was given to Watch, on the caller's goroutine. The
// caller must not hold a lock that one of these functions could need.
func (h *Holds) Publish(e control.Event) { h.events.publish(e) }

// events is a list of functions that are called with each event. publish calls them
// without the lock, so a cancel makes a new slice and leaves the old one as it is.
type events struct {
	mu          sync.Mutex
	subscribers []*func(control.Event)
}

func (e *events) subscribe(receive func(control.Event)) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := &receive
	e.subscribers = append(e.subscribers, own)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.subscribers = slices.DeleteFunc(slices.Clone(e.subscribers), func(s *func(control.Event)) bool { return s == own })
	}
}

func (e *events) publish(event control.Event) {
	e.mu.Lock()
	all := e.subscribers[:len(e.subscribers):len(e.subscribers)]
	e.mu.Unlock()
	for _, receive := range all {
		(*receive)(event)
	}
}
