package lesson

import (
	"errors"
	"fmt"
	"slices"

	"glasskv/walkthrough/screen"
)

// The bounds of what one step may ask of the machine.
const (
	maxCount    = 20_000
	maxClients  = 512
	maxWatchers = 1_000
	maxOps      = 100_000
	maxSize     = 64 << 20 // of a value, and of a window
)

// requests are those of a step, of whichever kind it is.
func (s *Step) requests() []*Requests {
	switch {
	case s.Do != nil:
		return []*Requests{s.Do}
	case s.Together != nil:
		return s.Together
	}
	return s.InTurn
}

// requests checks what is made, fills in what was left out, and makes the results
// known.
func (c *checker) requests(all []*Requests) {
	for _, r := range all {
		r.fill()
		if err := r.check(); err != nil {
			c.wrong("%s %s: %w", r.Op, r.Name, err)
		}
		if c.step.InTurn != nil && (r.Count != all[0].Count || r.Clients != 1 || r.Watchers > 0) {
			c.wrong("%s: in turn, all have the same count and one client", r.Name)
		}
		sibling := func(other *Requests) bool { return other.Name == r.Until && other.Until == "" }
		if r.Until != "" && (c.step.Together == nil || !slices.ContainsFunc(all, sibling)) {
			c.wrong("%s: until %s, which is not made at the same time", r.Name, r.Until)
		}
	}
	for _, r := range all {
		c.define(r.Name, &Result{})
	}
}

func (r *Requests) fill() {
	r.Count, r.Clients = max(r.Count, 1), max(r.Clients, 1)
	if r.Connection == "" {
		r.Connection = connShared
	}
	if r.Key == "" {
		r.Key = "lesson"
	}
	if r.Value == 0 {
		r.Value = 16
	}
}

func (r *Requests) check() error {
	switch {
	case operations[r.Op] == nil:
		return fmt.Errorf("no operation %q, use one of %v", r.Op, operationNames())
	case r.Count > maxCount || r.Clients > maxClients || r.Watchers > maxWatchers:
		return fmt.Errorf("at most %d requests, %d clients, %d watchers", maxCount, maxClients, maxWatchers)
	case r.Ops > maxOps || max(r.Value, r.Window) > maxSize || r.Value < 0 || r.Window < 0:
		return fmt.Errorf("at most %d ops, and %s of a value or a window", maxOps, screen.Bytes(maxSize))
	case !slices.Contains([]string{connShared, connFresh, connEach}, r.Connection):
		return fmt.Errorf("connection: use %s, %s or %s", connShared, connFresh, connEach)
	case r.Op == opCall && r.Method == "":
		return errors.New("method: which one is called?")
	case r.Watchers > 0 && r.Op != opPut:
		return errors.New("watchers: only of puts")
	}
	return nil
}
