package hold

import (
	"fmt"
	"slices"
	"sync"

	"glasskv/server/control"
	"glasskv/trace"
)

// Watch implements control.Steering.
func (h *Holds) Watch(told func(control.Event)) (cancel func()) { return h.events.watch(told) }

// State implements control.Holder.
func (h *Holds) State() control.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.arm() // lets go of those that are over
	st := control.State{Breaks: []control.Break{}, Holds: []control.Hold{}, Passed: h.passed}
	for _, b := range h.breaks {
		st.Breaks = append(st.Breaks, *b)
	}
	for _, one := range h.held {
		if !one.freed { // those have only to wake up
			st.Holds = append(st.Holds, h.describe(one))
		}
	}
	return st
}

// describe returns what is known of a hold at the moment.
func (h *Holds) describe(one *held) control.Hold {
	told := one.Hold
	told.HeldUp = h.countBehind(one)
	return told
}

func (h *Holds) copyOf(one *held) *control.Hold {
	told := h.describe(one)
	return &told
}

// Step implements control.Holder.
func (h *Holds) Step(id int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	one, err := h.find(id)
	if err != nil {
		return err
	}
	h.stepping[one.rec.Outermost()] = struct{}{}
	h.arm() // before it moves
	one.say(trace.EndedStepped)
	return nil
}

// Continue implements control.Holder.
func (h *Holds) Continue(id int) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if id == 0 {
		for _, one := range h.held {
			one.say(trace.EndedContinued)
		}
		return nil
	}
	one, err := h.find(id)
	if err != nil {
		return err
	}
	one.say(trace.EndedContinued)
	return nil
}

// say tells a request to go on. Of several words the first counts.
func (one *held) say(how string) {
	if !one.freed {
		one.freed = true
		one.free <- how
	}
}

func (h *Holds) find(id int) (*held, error) {
	for _, one := range h.held {
		if one.ID == id {
			return one, nil
		}
	}
	if id > 0 && id <= h.last {
		return nil, control.Unknown(fmt.Sprintf("hold %d is over; `glasskv hold` lists who is held", id))
	}
	return nil, control.Unknown(fmt.Sprintf("there is no hold %d; `glasskv hold` lists who is held", id))
}

// events tells those who want to know what changes.
type events struct {
	mu       sync.Mutex
	watchers []*func(control.Event)
}

func (e *events) watch(told func(control.Event)) (cancel func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	me := &told
	e.watchers = append(e.watchers, me)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.watchers = slices.DeleteFunc(slices.Clone(e.watchers), func(w *func(control.Event)) bool { return w == me })
	}
}

// tell calls everybody, on the goroutine that it happened on and with no lock
// held.
func (e *events) tell(what control.Event) {
	e.mu.Lock()
	all := e.watchers[:len(e.watchers):len(e.watchers)]
	e.mu.Unlock()
	for _, told := range all {
		(*told)(what)
	}
}

// Tell reports an event to everybody who watches.
func (h *Holds) Tell(what control.Event) { h.events.tell(what) }
