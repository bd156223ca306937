package seam

import (
	"fmt"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
)

func (s *story) setBreak(w words) {
	s.must(s.observer.Steering().SetBreak(control.Break{
		Stage: w.at(0), KeyPrefix: w.named("key", ""), Method: w.named("method", ""), Once: w.has("once"),
	}))
}

// caught waits until somebody is held.
func (s *story) caught() string {
	for {
		e := seamtest.Await(s, "somebody held", s.events)
		if e.Kind != control.Held {
			continue
		}
		s.held = e.Hold.ID
		batch := ""
		if e.Hold.With > 0 {
			batch = fmt.Sprintf(", in a batch of %d", e.Hold.With)
		}
		return fmt.Sprintf("%s %q at %s, %s; what waits is the %s%s\n",
			e.Hold.Method, e.Hold.Key, e.Hold.Stage, e.Hold.Why, e.Hold.Lane, batch)
	}
}

// behind tells how many wait behind the one that is held.
func (s *story) behind() string {
	return fmt.Sprintf("%d wait behind it\n", s.observer.Steering().State().Holds[0].HeldUp)
}
