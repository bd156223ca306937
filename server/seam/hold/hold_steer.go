package hold

import (
	"fmt"

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
