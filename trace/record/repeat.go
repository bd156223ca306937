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

// maxRepeats is how many repeats a record keeps from the beginning of a stream, and how
// many from its end, all stages together.
const maxRepeats = 32

// repeats holds the stages that a streaming call passes once per message. One time that
// it passes a stage is a repeat. The first 32 are kept, and the last 32 in a ring. A
// repeat that is overwritten in the ring is folded: counted and added up, by stage.
//
//	after 100 repeats, numbered from 0:
//
//	first              folded                 last[at % 32]
//	┌───┬───┬─   ┬────┐ ┌─────────────────────┐ ┌────┬─   ┬────┬────┬─   ┬────┐
//	│ 0 │ 1 │  … │ 31 │ │ watch.wait ×18, 9ms │ │ 96 │  … │ 99 │ 68 │  … │ 95 │
//	└───┴───┴─   ┴────┘ │ watch.send ×18, 1ms │ └────┴─   ┴────┴────┴─   ┴────┘
//	                    └─────────────────────┘                  ▲
//	                       32 … 67, by stage                     100 % 32: the next to be folded
//	                                                             and overwritten
//
// The kept repeats and the counts of the folds add up to n. The lock is contended only by
// the goroutines of one request: one receives, another one sends.
type repeats struct {
	mu     sync.Mutex
	n      int                // repeats so far
	first  [maxRepeats]repeat // number i is first[i]
	last   [maxRepeats]repeat // number i is last[i%maxRepeats]
	folded []fold             // one for each stage
}

// repeat is one time that a request passes a repeated stage.
type repeat struct {
	stage      stages.Stage
	begin, end int64
	Detail
}

// fold sums up the repeats of a stage that are not kept.
type fold struct {
	stage      stages.Stage
	n          int
	begin, end int64 // stamps: the earliest begin and the latest end
	total      int64 // the sum of their durations, in nanoseconds
}

// repeatsBytes is what the repeats of one record may hold: 16 folds, for no stream
// repeats more stages.
const repeatsBytes = int64(unsafe.Sizeof(repeats{}) + 16*unsafe.Sizeof(fold{}))

// Detail says what one repeat was about.
type Detail struct {
	Events   int64  // events in a watch's message; zero for other messages
	Revision int64  // revision of the store; zero if unknown
	Pause    *Pause // set for the stages Hold and Fault, by Record.Pause
}

// Repeat stamps the beginning and the end of a stage that the request passes once per
// message, such as receiving a message of a stream. Such a stage is stamped by Repeat
// alone. If there are more repeats than a fixed number, those in the middle share a row
// of the timeline. If the recorder's memory for repeats is used up, the request's repeats
// are not recorded. Repeat may be called by several goroutines at once.
func (r *Record) Repeat(s stages.Stage, begin, end int64) { r.RepeatOf(s, begin, end, Detail{}) }

// RepeatOf is Repeat with a Detail, which becomes the attributes of the row.
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
		rs = r.repeats.Load() // release gives back what both reservations took
	}
	return rs
}

func (rs *repeats) add(added repeat) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	at := rs.n
	rs.n++
	if at < maxRepeats {
		rs.first[at] = added
		return
	}
	slot := &rs.last[at%maxRepeats]
	if at >= 2*maxRepeats {
		rs.fold(slot)
	}
	*slot = added
}

// fold adds a repeat to the fold of its stage.
func (rs *repeats) fold(old *repeat) {
	duration := max(0, old.end-old.begin)
	for i := range rs.folded {
		if f := &rs.folded[i]; f.stage == old.stage {
			f.n, f.total, f.begin, f.end = f.n+1, f.total+duration, min(f.begin, old.begin), max(f.end, old.end)
			return
		}
	}
	rs.folded = append(rs.folded, fold{old.stage, 1, old.begin, old.end, duration})
}

// each calls visit for every kept repeat, in the order in which they were added, and
// folded for every fold, between the first repeats and the last ones. Both are called
// under the lock.
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

// addRepeats adds the rows of a repeated stage. A fold is one row, from the beginning of
// its earliest repeat to the end of its latest.
func (a *assembly) addRepeats(s stages.Stage, rs *repeats) {
	rs.each(func(kept *repeat) {
		if kept.stage != s {
			return
		}
		if st := a.addRepeat(s, kept.begin, kept.end); st != nil {
			st.Attributes = kept.attributes()
			if kept.Pause != nil {
				a.finishPause(st, kept.Pause)
			}
		}
	}, func(f *fold) {
		if f.stage != s {
			return
		}
		if st := a.addRepeat(s, f.begin, f.end); st != nil && f.n > 1 {
			st.Count, st.BeginEdge, st.EndEdge = f.n, stages.Inferred, stages.Inferred
			st.Attributes = map[string]string{trace.AttrTook: strconv.FormatInt(f.total, 10)}
		}
	})
}

// addRepeat adds the row of one repeat or fold. A unary call receives before its handler
// begins and sends after it has ended. A stream does both inside its handler: then the
// handler is the row's parent.
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

// Pause describes a wait that somebody ordered: at a breakpoint, as a repeat of the stage
// Hold, or because of a fault, as a repeat of the stage Fault.
type Pause struct {
	At       stages.Stage // the stage that could not begin
	Why      string       // trace.WhyBreakpoint, WhyStep or WhyBehind; for a fault, its name
	SharedBy int          // requests that waited together; zero for a single one

	ended string // one of trace's Ended constants; empty while it lasts, and for a fault
}

// Pause adds a repeat of Hold or Fault that begins at the given stamp and is open until
// resume is called. So a request that ends before that shows what it was waiting for. The
// caller calls resume once, from any goroutine, with the stamp of the end and one of
// trace's Ended constants; with "" for a fault.
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

// resume sets the end of the repeat whose pause is p, unless it has been folded.
func (rs *repeats) resume(p *Pause, end int64, ended string) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	p.ended = ended
	for _, kept := range [...]*[maxRepeats]repeat{&rs.first, &rs.last} {
		for i := range kept {
			if kept[i].Pause == p {
				kept[i].end = end
				return
			}
		}
	}
}

// pauses returns the kept repeats of Hold and Fault that have ended, in the order in
// which they began.
func (r *Record) pauses() (all []period) {
	rs := r.repeats.Load()
	if rs == nil {
		return nil
	}
	rs.each(func(kept *repeat) {
		if kept.Pause != nil && kept.end != 0 {
			all = append(all, period{kept.begin, kept.end})
		}
	}, func(*fold) {})
	slices.SortFunc(all, func(a, b period) int { return cmp.Compare(a.begin, b.begin) })
	return all
}

// period is a piece of time, in stamps.
type period struct{ begin, end int64 }

// lengthWithout returns how many nanoseconds between begin and end lie in none of the
// other periods, which are sorted by beginning and may overlap.
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

// finishPause completes the row of a pause. Its parent is the parent of the stage that
// could not begin.
func (a *assembly) finishPause(st *trace.StageTime, p *Pause) {
	st.SharedBy = p.SharedBy
	st.Parent = ""
	if parent := a.parent(stages.SpecOf(p.At)); parent != stages.None {
		st.Parent = parent.String()
	}
}
