package trace

import (
	"sync/atomic"
	"unsafe"
)

// maxRepeats is how many stretches of repeated stages a record keeps, all stages
// together. The others are counted.
const maxRepeats = 64

// repeats holds the stages that a streaming call passes once per message.
type repeats struct {
	claimed atomic.Int64
	kept    [maxRepeats]repeat
	more    [NumStages]atomic.Int64 // not kept, by stage
}

const repeatsBytes = int64(unsafe.Sizeof(repeats{}))

// repeat is one stretch. Its begin is stored last: while it is zero, the rest is
// not to be read.
type repeat struct {
	begin, end atomic.Int64
	stage      atomic.Uint32
}

// Repeat stamps one stretch of a stage that the request passes many times, such
// as receiving the messages of a stream. Such a stage is stamped by Repeat alone.
// It may be called by several goroutines at once. Where the recorder's memory is
// used up, the call's messages are not recorded.
func (r *Record) Repeat(s Stage, begin, end int64) {
	if r == nil {
		return
	}
	rs := r.repeats.Load()
	if rs == nil {
		if rs = r.makeRepeats(); rs == nil {
			return
		}
	}
	at := rs.claimed.Add(1) - 1
	if at >= maxRepeats {
		rs.more[s].Add(1)
		return
	}
	slot := &rs.kept[at]
	slot.stage.Store(uint32(s))
	slot.end.Store(end)
	slot.begin.Store(begin)
}

// Detail says what one stretch of a repeated stage was about.
type Detail struct {
	Events   int64 // of a watch's message; zero when it is not about events
	Revision int64 // the store's; zero when unknown
}

// RepeatOf is Repeat for a stretch about which more is known. The detail stands
// in the row's attributes.
func (r *Record) RepeatOf(s Stage, begin, end int64, _ Detail) { r.Repeat(s, begin, end) }

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

// repeated adds the stretches of a stage in the order in which they ended. The
// last of them counts those that were not kept as well.
func (a *assembly) repeated(s Stage) {
	rs := a.r.repeats.Load()
	if rs == nil {
		return
	}
	var last *StageTime
	for i := range rs.kept {
		slot := &rs.kept[i]
		if begin := slot.begin.Load(); begin != 0 && Stage(slot.stage.Load()) == s {
			last = a.add(s, begin, slot.end.Load())
		}
	}
	if more := rs.more[s].Load(); more > 0 && last != nil {
		last.Count = int(more) + 1
	}
}
