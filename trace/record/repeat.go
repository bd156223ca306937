package record

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"unsafe"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// maxRepeats is how many stretches of repeated stages a record keeps at the
// beginning of a stream, and how many at its end, all stages together. Those
// between are counted and added up.
const maxRepeats = 32

// repeats holds the stages that a streaming call passes once per message. Its lock
// is that of one request's goroutines: the one that receives and the one that
// sends.
type repeats struct {
	mu     sync.Mutex
	n      int                // stretches so far
	first  [maxRepeats]repeat // the first ones
	last   [maxRepeats]repeat // the last of the others, in a ring
	folded []fold             // what was washed out of the ring, by stage
}

// repeat is one stretch.
type repeat struct {
	stage      stages.Stage
	begin, end int64
	Detail
}

// fold is what is known of the stretches of a stage that were not kept.
type fold struct {
	stage      stages.Stage
	n          int
	begin, end int64 // of the first of them, and of the last
	took       int64
}

// repeatsBytes counts the folds of as many stages as a stream repeats at most.
const repeatsBytes = int64(unsafe.Sizeof(repeats{}) + 16*unsafe.Sizeof(fold{}))

// Detail says what one stretch of a repeated stage was about.
type Detail struct {
	Events   int64  // of a watch's message; zero when it is not about events
	Revision int64  // the store's; zero when unknown
	Pause    *Pause // of a stretch of Hold or Fault, and of no other
}

// Repeat stamps one stretch of a stage that the request passes many times, such
// as receiving the messages of a stream. Such a stage is stamped by Repeat alone.
// It may be called by several goroutines at once. Where the recorder's memory is
// used up, the call's messages are not recorded.
func (r *Record) Repeat(s stages.Stage, begin, end int64) { r.RepeatOf(s, begin, end, Detail{}) }

// RepeatOf is Repeat for a stretch about which more is known. The detail stands
// in the row's attributes.
func (r *Record) RepeatOf(s stages.Stage, begin, end int64, about Detail) {
	if r == nil {
		return
	}
	rs := r.repeats.Load()
	if rs == nil {
		if rs = r.makeRepeats(); rs == nil {
			return
		}
	}
	rs.add(repeat{s, begin, end, about})
}

func (r *Record) makeRepeats() *repeats {
	if r.Finished() || !r.reserve(repeatsBytes) {
		return nil
	}
	rs := new(repeats)
	if !r.repeats.CompareAndSwap(nil, rs) {
		rs = r.repeats.Load() // the memory asked for in vain is given back with the record's
	}
	return rs
}

func (rs *repeats) add(one repeat) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	at := rs.n
	rs.n++
	if at < maxRepeats {
		rs.first[at] = one
		return
	}
	slot := &rs.last[at%maxRepeats]
	if at >= 2*maxRepeats {
		rs.fold(slot)
	}
	*slot = one
}

// fold adds a stretch to those that are not kept.
func (rs *repeats) fold(old *repeat) {
	took := max(0, old.end-old.begin)
	for i := range rs.folded {
		if f := &rs.folded[i]; f.stage == old.stage {
			f.n, f.took, f.begin, f.end = f.n+1, f.took+took, min(f.begin, old.begin), max(f.end, old.end)
			return
		}
	}
	rs.folded = append(rs.folded, fold{old.stage, 1, old.begin, old.end, took})
}

// each calls visit for every stretch that is kept, in the order in which they were
// stamped, and fold for each row of those that are not.
func (rs *repeats) each(visit func(*repeat), folded func(*fold)) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for i := range min(rs.n, maxRepeats) {
		visit(&rs.first[i])
	}
	for i := range rs.folded {
		folded(&rs.folded[i])
	}
	for at := max(maxRepeats, rs.n-maxRepeats); at < rs.n; at++ {
		visit(&rs.last[at%maxRepeats])
	}
}

// addRepeats adds the stretches of a stage. Those that were not kept are one row,
// which stands where they were.
func (a *assembly) addRepeats(s stages.Stage, rs *repeats) {
	rs.each(func(one *repeat) {
		if one.stage != s {
			return
		}
		if st := a.addRepeat(s, one.begin, one.end); st != nil {
			st.Attributes = one.attributes()
			if one.Pause != nil {
				a.finishPause(st, one.Pause)
			}
		}
	}, func(f *fold) {
		if f.stage != s {
			return
		}
		if st := a.addRepeat(s, f.begin, f.end); st != nil && f.n > 1 {
			st.Count, st.BeginEdge, st.EndEdge = f.n, stages.Inferred, stages.Inferred
			st.Attributes = map[string]string{trace.AttrTook: strconv.FormatInt(f.took, 10)}
		}
	})
}

// addRepeat adds one addRepeat. One that lies inside the handler is part of it: there
// a stream receives and sends its messages.
func (a *assembly) addRepeat(s stages.Stage, begin, end int64) *trace.StageTime {
	st := a.add(s, begin, end)
	if st == nil || a.handler == stages.None || s != stages.RecvMsg && s != stages.SendMsg {
		return st
	}
	if began, _ := a.r.Stamps(a.handler); began <= begin {
		st.Parent = a.handler.String()
	}
	return st
}

func (d *Detail) attributes() map[string]string {
	if d.Pause != nil {
		return d.Pause.attributes()
	}
	var attrs map[string]string
	set := func(key string, n int64) {
		if n == 0 {
			return
		}
		if attrs == nil {
			attrs = make(map[string]string, 2)
		}
		attrs[key] = strconv.FormatInt(n, 10)
	}
	set(trace.AttrEvents, d.Events)
	set(trace.AttrEventRevision, d.Revision)
	return attrs
}

// Pause says why somebody made a request wait: a breakpoint that it is held at,
// or a fault that was switched on. Its stretch is one of Hold or of Fault.
type Pause struct {
	At       stages.Stage // the stage that would have begun
	Why      string       // WhyBreakpoint, WhyStep or WhyBehind; of a fault its name
	ended    string       // how it went on: one of the Ended constants; empty where there is no choice
	SharedBy int          // requests that waited together; zero for one alone
}

// Pause begins a stretch of Hold or Fault that lasts until resume is called. It
// stands in the record from its begin on, open, so that a request which gives up
// meanwhile shows what it was waiting for. Resume may be called once, from any
// goroutine; ended is one of the Ended constants, or empty.
func (r *Record) Pause(s stages.Stage, begin int64, p Pause) (resume func(end int64, ended string)) {
	if r == nil {
		return func(int64, string) {}
	}
	about := &p
	r.RepeatOf(s, begin, 0, Detail{Pause: about})
	return func(end int64, ended string) {
		if rs := r.repeats.Load(); rs != nil {
			rs.resume(about, end, ended)
		}
	}
}

// resume ends the stretch that is about p, unless it was washed out of the ring.
func (rs *repeats) resume(p *Pause, end int64, ended string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	p.ended = ended
	for _, part := range [...]*[maxRepeats]repeat{&rs.first, &rs.last} {
		for i := range part {
			if part[i].Pause == p {
				part[i].end = end
				return
			}
		}
	}
}

// pauses lists the stretches of Hold and Fault that are over, in the order of
// their begins, for those who count how long the stages took without them.
func (r *Record) pauses() (all []period) {
	rs := r.repeats.Load()
	if rs == nil {
		return nil
	}
	rs.each(func(one *repeat) {
		if one.Pause != nil && one.end != 0 {
			all = append(all, period{one.begin, one.end})
		}
	}, func(*fold) {})
	slices.SortFunc(all, func(a, b period) int { return cmp.Compare(a.begin, b.begin) })
	return all
}

// period is a piece of time, in stamps.
type period struct{ begin, end int64 }

// lengthWithout returns how much of a piece of time lies outside of the others, which
// are in the order of their begins and may overlap.
func lengthWithout(begin, end int64, others []period) int64 {
	left, at := max(0, end-begin), begin
	for _, o := range others {
		from, to := max(at, o.begin), min(end, o.end)
		if from < to {
			left -= to - from
			at = to
		}
	}
	return left
}

func (p *Pause) attributes() map[string]string {
	attrs := map[string]string{trace.AttrAt: p.At.String(), trace.AttrWhy: p.Why}
	if p.ended != "" {
		attrs[trace.AttrEnded] = p.ended
	}
	return attrs
}

// finishPause finishes the row of a pause: it lies in what the stage lies in before
// which it was put.
func (a *assembly) finishPause(st *trace.StageTime, p *Pause) {
	st.SharedBy = p.SharedBy
	st.Parent = ""
	if parent := a.parent(stages.SpecOf(p.At)); parent != stages.None {
		st.Parent = parent.String()
	}
}
