package hold

import (
	"slices"
	"sync"

	"glasskv/server/control"
)

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
