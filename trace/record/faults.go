package record

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// ConnFault is a fault that struck a connection. Its wait, if it made it wait,
// stands in the timeline of the request that opened the connection; its name in
// those of all requests.
type ConnFault struct {
	Name       string
	At         stages.Stage // the stage that would have begun
	Begin, End int64        // stamps; zero where it was no wait
}

// faultLog remembers which fault was on and when, so that nothing has to be noted on
// a request's way: its timeline asks when it is made.
type faultLog struct {
	mu      sync.Mutex // of those who write
	periods atomic.Pointer[[]faultPeriod]
}

// faultPeriod is the time from switching a fault on to switching it off; an end of
// zero says that it is still on.
type faultPeriod struct {
	name       string
	begin, end int64
}

// maxFaultPeriods bounds what is remembered. Beyond it the two oldest of a fault are
// made one: a request then carries a name too many, never one too few.
const maxFaultPeriods = 256

// FaultOn notes that a fault was switched on. Requests that run from now on, and
// those under way, carry its name in AttrFaults. It may be called by any goroutine.
func (rc *Recorder) FaultOn(name string) {
	rc.faults.change(func(all []faultPeriod) []faultPeriod {
		if slices.ContainsFunc(all, func(p faultPeriod) bool { return p.name == name && p.end == 0 }) {
			return all
		}
		return joinOldest(append(all, faultPeriod{name: name, begin: Now()}))
	})
}

// FaultOff notes that a fault was switched off.
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

func (l *faultLog) change(how func([]faultPeriod) []faultPeriod) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []faultPeriod
	if old := l.periods.Load(); old != nil {
		all = slices.Clone(*old) // others are reading that one
	}
	all = how(all)
	l.periods.Store(&all)
}

// joinOldest joins the oldest period with the next one of the same fault when there are
// too many. There are more periods than faults by far, so there is a next one.
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

// during lists the faults that were on at some moment between two stamps.
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

// faults names what was switched on while the request ran.
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

// connFaults adds the waits of the connection to the request that opened it.
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
