package record

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// HistogramBounds are the upper bounds of a histogram's buckets, in nanoseconds, inclusive:
// from one microsecond to ten seconds. One more bucket has what took longer.
var HistogramBounds = [...]int64{
	1e3, 25e2, 5e3, 1e4, 25e3, 5e4, 1e5, 25e4, 5e5, // microseconds
	1e6, 25e5, 5e6, 1e7, 25e6, 5e7, 1e8, 25e7, 5e8, // milliseconds
	1e9, 25e8, 5e9, 1e10, // seconds
}

// StageHistogram says how long a stage took, in all requests since the recorder started.
type StageHistogram struct {
	Stage  stages.Stage
	Counts [len(HistogramBounds) + 1]uint64 // one per bucket, not cumulative; the last bucket is above all bounds
	Count  uint64                           // the sum of Counts
	SumNS  int64                            // the sum of the durations, in nanoseconds
}

// RequestCount says how many requests of a method ended with a code.
type RequestCount struct {
	Method string // the full gRPC method; "http" for all requests over HTTP/1, "other" for all without a handler
	Code   string // as in trace.Timeline
	Count  uint64
}

// These replace the names that clients make up, of which there may be any number.
const (
	otherMethod = "other"
	httpMethod  = "http"
)

// histograms are what the worker adds up from the stamps of finished records. The stages
// of a batch are counted once, and those of a connection with the request that opened it.
// Records that were overwritten in the ring are missing.
type histograms struct {
	stages [stages.NumStages]stageHistogram

	mu       sync.Mutex
	requests map[requestKey]uint64
}

type stageHistogram struct {
	counts [len(HistogramBounds) + 1]atomic.Uint64
	sum    atomic.Int64
}

type requestKey struct {
	method string
	code   uint32 // a gRPC code, or noCode, or noCode plus an HTTP status
}

// noCode is above all gRPC codes.
const noCode = 1 << 16

// Histograms returns the histogram of each stage that a request has passed, in the order
// of the stages. Buckets are read one after the other while the worker counts on; Count is
// always their sum.
func (rc *Recorder) Histograms() []StageHistogram {
	var all []StageHistogram
	for s := stages.None + 1; s < stages.NumStages; s++ {
		from := &rc.hist.stages[s]
		h := StageHistogram{Stage: s, SumNS: from.sum.Load()}
		for i := range from.counts {
			h.Counts[i] = from.counts[i].Load()
			h.Count += h.Counts[i]
		}
		if h.Count > 0 {
			all = append(all, h)
		}
	}
	return all
}

// RequestCounts returns how many requests ended with which code, sorted by method and
// code.
func (rc *Recorder) RequestCounts() []RequestCount {
	rc.hist.mu.Lock()
	defer rc.hist.mu.Unlock()
	all := make([]RequestCount, 0, len(rc.hist.requests))
	for key, n := range rc.hist.requests {
		all = append(all, RequestCount{key.method, key.text(), n})
	}
	slices.SortFunc(all, func(a, b RequestCount) int {
		return cmp.Or(cmp.Compare(a.Method, b.Method), cmp.Compare(a.Code, b.Code))
	})
	return all
}

func (k requestKey) text() string {
	switch {
	case k.code == noCode:
		return ""
	case k.code > noCode:
		return statusLine(int(k.code - noCode))
	}
	return trace.CodeName(k.code)
}

// count adds a finished record. Only the worker calls it.
//
// Pauses, at breakpoints and because of faults, are subtracted from the stages in which
// they lie, and counted as the stages Hold and Fault. The requests of a batch pause
// together, so their pauses are subtracted from the batch's stages as well.
func (h *histograms) count(r *Record) {
	pauses := r.pauses()
	r.stamps.each(func(s stages.Stage, i *interval) {
		if s < stages.FirstConn || s > stages.LastConn {
			h.stages[s].interval(i, pauses)
		}
	})
	if c := r.conn; c != nil && r.Has(MarkOpener) {
		for i := range c.stamps {
			if s := stages.FirstConn + stages.Stage(i); !stages.LastsAsConn(s) {
				h.stages[s].interval(&c.stamps[i], nil)
			}
		}
	}
	h.batch(r.save.Load(), pauses)
	h.batch(r.round.Load(), pauses)
	if rs := r.repeats.Load(); rs != nil {
		rs.each(
			func(kept *repeat) {
				if kept.end != 0 { // a pause may outlast its request
					h.stages[kept.stage].add(kept.end-kept.begin, 1)
				}
			},
			func(f *fold) { h.stages[f.stage].add(f.total/int64(f.n), f.n) }, // each repeat counts as the fold's average
		)
	}
	h.request(r)
}

func (h *histograms) batch(b *Batch, pauses []period) {
	if b != nil && b.complete() && b.counted.CompareAndSwap(false, true) {
		h.stages[b.Kind].interval(&b.first, pauses)
		h.stages[b.SecondStage()].interval(&b.second, pauses)
	}
}

func (h *histograms) request(r *Record) {
	if r.Has(MarkConnection) || r.Has(MarkClient) {
		return
	}
	key := requestKey{otherMethod, noCode}
	if code, seen := r.Code(); seen {
		key.code = min(code, noCode-1)
	}
	switch {
	case r.Has(MarkHTTP):
		key.method, key.code = httpMethod, noCode+uint32(max(0, r.facts.HTTPStatus))
	case r.Has(MarkBegun):
		key.method = r.facts.Method
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.requests == nil {
		h.requests = make(map[requestKey]uint64)
	}
	h.requests[key]++
}

func (h *stageHistogram) interval(i *interval, pauses []period) {
	begin, end := i.begin.Load(), i.end.Load()
	if begin != 0 && end != 0 {
		h.add(lengthWithout(begin, end, pauses), 1)
	}
}

func (h *stageHistogram) add(ns int64, n int) {
	ns = max(0, ns)
	at := bucketFrom[bits.Len64(uint64(ns))]
	for at < len(HistogramBounds) && HistogramBounds[at] < ns {
		at++
	}
	h.counts[at].Add(uint64(n))
	h.sum.Add(ns * int64(n))
}

// bucketFrom[n] is the first bucket that a duration with n binary digits can belong to.
var bucketFrom = func() (first [65]int) {
	for digits := range first {
		least := uint64(1) << max(0, digits-1)
		first[digits], _ = slices.BinarySearch(HistogramBounds[:], int64(min(least, math.MaxInt64)))
	}
	return first
}()
