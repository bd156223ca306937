package record

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// ConnFault is a fault that struck a connection. All requests of the connection have its
// name among their attributes. If the fault made the connection wait, the request that
// opened it has a row for the wait.
type ConnFault struct {
	Name       string
	At         stages.Stage // the stage that could not begin
	Begin, End int64        // stamps of the wait; zero if there was none
}

// faultLog keeps the periods in which faults were on. A timeline looks up those of its
// request, so that requests need not record them.
type faultLog struct {
	mu      sync.Mutex                    // for writers
	periods atomic.Pointer[[]faultPeriod] // copied for every change
}

// faultPeriod is the time from switching a fault on to switching it off, as stamps. If the
// end is zero, the fault is still on.
type faultPeriod struct {
	name       string
	begin, end int64
}

// maxFaultPeriods bounds the periods that are kept. If there are more, two of one fault are
// joined: then requests between the two name a fault that was off, but none misses one.
const maxFaultPeriods = 256

// FaultOn notes that a fault is switched on now. If it is on already, nothing changes. The
// requests that are under way, and those that begin before FaultOff, have its name in the
// attribute trace.AttrFaults. It may be called by any goroutine.
func (rc *Recorder) FaultOn(name string) {
	rc.faults.change(func(all []faultPeriod) []faultPeriod {
		if slices.ContainsFunc(all, func(p faultPeriod) bool { return p.name == name && p.end == 0 }) {
			return all
		}
		return joinOldest(append(all, faultPeriod{name: name, begin: Now()}))
	})
}

// FaultOff notes that a fault is switched off now. It may be called by any goroutine.
func (rc *Recorder) FaultOff(name string) {
	rc.faults.change(func(all []faultPeriod) []faultPeriod {
		for i := range all {
			if p := &all[i]; p.name == name && p.end == 0 {
				p.end = Now()
			}
		}
		return all
	})
}

func (l *faultLog) change(edit func([]faultPeriod) []faultPeriod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []faultPeriod
	if old := l.periods.Load(); old != nil {
		all = slices.Clone(*old) // readers may still be using the old slice
	}
	all = edit(all)
	l.periods.Store(&all)
}

// joinOldest joins the oldest period that has a later one of the same fault with that one,
// if there are too many periods. There are far fewer faults than maxFaultPeriods, so there
// are two periods to join.
func joinOldest(all []faultPeriod) []faultPeriod {
	if len(all) <= maxFaultPeriods {
		return all
	}
	for i := range all {
		next := slices.IndexFunc(all[i+1:], func(p faultPeriod) bool { return p.name == all[i].name })
		if next >= 0 {
			all[i].end = all[i+1+next].end
			return slices.Delete(all, i+1+next, i+2+next)
		}
	}
	return all
}

// during returns the names of the faults that were on at some time between two stamps, a
// name once for each period.
func (l *faultLog) during(begin, end int64) (names []string) {
	all := l.periods.Load()
	if all == nil {
		return nil
	}
	for _, p := range *all {
		if p.begin <= end && (p.end == 0 || p.end >= begin) {
			names = append(names, p.name)
		}
	}
	return names
}

// faults sets the attribute with the names of the faults that were on while the request
// ran, or struck its connection.
func (a *assembly) faults() {
	var names []string
	if rc := a.r.recorder; rc != nil {
		names = rc.faults.during(a.r.begin, a.end)
	}
	if c := a.r.conn; c != nil {
		for i := range c.Faults {
			names = append(names, c.Faults[i].Name)
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		a.set(trace.AttrFaults, strings.Join(slices.Compact(names), ","))
	}
}

// connFaults adds a row for each wait of the connection, if the request opened it.
func (a *assembly) connFaults() {
	if a.opened == nil {
		return
	}
	for i := range a.opened.Faults {
		f := &a.opened.Faults[i]
		if st := a.add(stages.Fault, f.Begin, f.End); st != nil {
			why := Pause{At: f.At, Why: f.Name}
			st.Scope, st.Attributes = stages.ScopeConn, why.attributes()
			a.finishPause(st, &why)
		}
	}
}
