package lesson

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// Result is what formulas can ask of the requests of a step. Times are in
// nanoseconds, shares between 0 and 1. Where a question takes stages, several of them
// count together; without any it is about the whole requests. Requests that did not
// pass the stage are left out of the answer; where none did it is 0.
type Result struct {
	Count   int     `expr:"count"`   // requests
	OK      int     `expr:"ok"`      // those that succeeded
	Elapsed float64 `expr:"elapsed"` // from the first one's begin to the last one's end
	Conns   int     `expr:"connections"`

	P50   func(stages ...string) float64 `expr:"p50"`
	P99   func(stages ...string) float64 `expr:"p99"`
	Least func(stages ...string) float64 `expr:"least"`
	Most  func(stages ...string) float64 `expr:"most"`
	Total func(stages ...string) float64 `expr:"total"` // all requests together

	Share   func(stages ...string) float64    `expr:"share"`   // of all the time that was waited, the part in these stages
	Kind    func(kind string) float64         `expr:"kind"`    // the same for a kind of time: work, queue, disk, network, consensus, held
	Shared  func(stage string) float64        `expr:"shared"`  // by how many requests a batch was shared, on average
	Batches func(stage string) int            `expr:"batches"` // how many batches there were
	Having  func(stage string) int            `expr:"having"`  // requests that passed it
	Without func(stage, why string) int       `expr:"without"` // requests that did not, for this reason
	Marked  func(attribute, value string) int `expr:"marked"`  // requests with this attribute
	Coded   func(code string) int             `expr:"coded"`   // requests that ended with this gRPC code
	Value   string                            `expr:"value"`   // what the last read returned
	Bytes   func() float64                    `expr:"bytes_out"`

	First   *Request `expr:"first"`
	Last    *Request `expr:"last"`
	Slowest *Request `expr:"slowest"`
	Fastest *Request `expr:"fastest"`

	Server *Result `expr:"server"` // the same requests as the server saw them

	Events     int     `expr:"events"`      // that watchers were told
	FirstEvent float64 `expr:"first_event"` // from sending the write to the first watcher's news, at the median
	LastEvent  float64 `expr:"last_event"`  // and to the last watcher's

	timelines []*trace.Timeline
}

// newResult makes what can be asked of requests. There is one at least.
func newResult(timelines []*trace.Timeline) *Result {
	m := &many{}
	r := &Result{Count: len(timelines), timelines: timelines}
	conns := make(map[uint64]bool)
	for _, t := range timelines {
		one := newRequest(t)
		m.all = append(m.all, one)
		conns[t.Connection.ID] = true
		if t.Code == "OK" {
			r.OK++
		}
	}
	r.Conns = len(conns)
	r.P50, r.P99 = m.quantile(0.5), m.quantile(0.99)
	r.Least, r.Most = m.quantile(0), m.quantile(1)
	r.Total, r.Share, r.Kind = m.total, m.share, m.kind
	r.Shared, r.Batches = m.shared, m.batches
	r.Having = func(stage string) int { return m.count(func(q *Request) bool { return q.Has(stage) }) }
	r.Without = func(stage, why string) int { return m.count(func(q *Request) bool { return q.Why(stage) == why }) }
	r.Marked = func(name, value string) int {
		return m.count(func(q *Request) bool { return q.Attribute(name) == value })
	}
	r.Coded = func(code string) int { return m.count(func(q *Request) bool { return q.Code == code }) }
	r.Bytes = m.bytes
	if len(m.all) > 0 {
		byDuration := func(a, b *Request) int { return cmp.Compare(a.Duration, b.Duration) }
		r.First, r.Last = m.all[0], m.all[len(m.all)-1]
		r.Slowest, r.Fastest = slices.MaxFunc(m.all, byDuration), slices.MinFunc(m.all, byDuration)
	}
	return r
}

// many are the requests of a result.
type many struct{ all []*Request }

// quantile returns the question for a quantile.
func (m *many) quantile(q float64) func(...string) float64 {
	return func(stages ...string) float64 {
		times := m.times(stages)
		if len(times) == 0 {
			return 0
		}
		slices.Sort(times)
		return times[max(0, int(q*float64(len(times))+0.5)-1)]
	}
}

// times are how long the stages took each request that passed one of them.
func (m *many) times(stages []string) (out []float64) {
	for _, r := range m.all {
		switch {
		case len(stages) == 0:
			out = append(out, r.Duration)
		case slices.ContainsFunc(stages, r.Has):
			out = append(out, r.Took(stages...))
		}
	}
	return out
}

func (m *many) total(stages ...string) (sum float64) {
	for _, t := range m.times(stages) {
		sum += t
	}
	return sum
}

func (m *many) share(stages ...string) float64 {
	return m.part(func(r *Request) float64 { return r.Waited(stages...) })
}

func (m *many) kind(kind string) float64 {
	return m.part(func(r *Request) float64 { return r.Duration * r.Kind(kind) })
}

// part tells which part of all the waiting a piece of each request's is.
func (m *many) part(of func(*Request) float64) float64 {
	var some, all float64
	for _, r := range m.all {
		some, all = some+of(r), all+r.Duration
	}
	if all == 0 {
		return 0
	}
	return some / all
}

func (m *many) shared(stage string) float64 {
	sum, n := 0.0, 0
	for _, r := range m.all {
		if by := r.Shared(stage); by > 0 {
			sum, n = sum+float64(by), n+1
		}
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// batches counts a batch of n as n times an n-th, for it is told by each of its
// requests only by how many share it.
func (m *many) batches(stage string) int {
	sum := 0.0
	for _, r := range m.all {
		if by := r.Shared(stage); by > 0 {
			sum += 1 / float64(by)
		}
	}
	return int(math.Round(sum))
}

func (m *many) count(fits func(*Request) bool) (n int) {
	for _, r := range m.all {
		if fits(r) {
			n++
		}
	}
	return n
}

func (m *many) bytes() (sum float64) {
	for _, r := range m.all {
		sum += float64(r.timeline.BytesOut)
	}
	return sum
}

// Request is what formulas can ask of one request. Times are in nanoseconds, shares
// between 0 and 1.
type Request struct {
	Duration  float64 `expr:"duration"`
	Explained float64 `expr:"explained"` // the part of it that stages account for
	Code      string  `expr:"code"`      // the gRPC code's name
	Message   string  `expr:"message"`   // the error's text
	Reused    bool    `expr:"reused"`    // its connection was open already
	WaitsIn   string  `expr:"waits_in"`  // the stage in which it waited longest

	Took      func(stages ...string) float64 `expr:"took"`      // how long the stages lasted
	Waited    func(stages ...string) float64 `expr:"waited"`    // how long it waited in them and in nothing further along
	Share     func(stages ...string) float64 `expr:"share"`     // waited, as a part of its duration
	Kind      func(kind string) float64      `expr:"kind"`      // the part of its duration that was of this kind
	Has       func(stage string) bool        `expr:"has"`       // it passed the stage
	Why       func(stage string) string      `expr:"why"`       // why it did not; "" where nothing is said about it
	Shared    func(stage string) int         `expr:"shared"`    // by how many requests a batch's stage was shared; 0 where it was not
	Attribute func(name string) string       `expr:"attribute"` // "" where it has none; the prefix glasskv. may be left out

	timeline *trace.Timeline
}

func newRequest(t *trace.Timeline) *Request {
	q := &one{t, t.Waited()}
	r := &Request{
		Duration: float64(t.DurationNS), Explained: t.Explained, Code: t.Code, Message: t.Message,
		Reused: t.Connection.Reused, WaitsIn: q.waitsIn(), timeline: t,
		Took: q.took, Waited: q.waitedIn, Has: q.has, Why: q.why, Shared: q.shared, Attribute: q.attribute,
	}
	r.Share = func(stages ...string) float64 { return q.part(q.waitedIn(stages...)) }
	r.Kind = func(kind string) float64 { return q.part(q.ofKind(stages.Kind(kind))) }
	return r
}

// one answers for one timeline.
type one struct {
	*trace.Timeline
	waited map[string]int64
}

func (q *one) took(stages ...string) (ns float64) {
	for _, name := range stages {
		for i := range q.Stages {
			if st := &q.Stages[i]; st.Stage == name && !st.Open {
				ns += float64(st.Took())
			}
		}
	}
	return ns
}

func (q *one) waitedIn(stages ...string) (ns float64) {
	for _, name := range stages {
		ns += float64(q.waited[name])
	}
	return ns
}

func (q *one) ofKind(kind stages.Kind) (ns float64) {
	for name, waited := range q.waited {
		if stage, known := stages.ByName(name); known && stages.SpecOf(stage).Kind == kind {
			ns += float64(waited)
		}
	}
	return ns
}

func (q *one) part(ns float64) float64 {
	if q.DurationNS <= 0 {
		return 0
	}
	return ns / float64(q.DurationNS)
}

func (q *one) waitsIn() (name string) {
	var most int64
	for _, row := range q.Ledger { // in its order, so that equals are told apart
		if ns := q.waited[row.Stage]; ns > most {
			name, most = row.Stage, ns
		}
	}
	return name
}

func (q *one) has(stage string) bool { return q.Stage(stage) != nil }

func (q *one) why(stage string) string {
	for _, n := range q.NotReached {
		if n.Stage == stage {
			return n.Why
		}
	}
	return ""
}

func (q *one) shared(stage string) int {
	if st := q.Stage(stage); st != nil {
		return st.SharedBy
	}
	return 0
}

func (q *one) attribute(name string) string {
	if v, ok := q.Attributes[name]; ok {
		return v
	}
	return q.Attributes["glasskv."+strings.TrimPrefix(name, "glasskv.")]
}

// result puts the server's parts to what the client saw.
func (r *round) result(ctx context.Context) (*Result, error) {
	var whole, server []*trace.Timeline
	for _, s := range r.shots {
		part, err := r.p.record(ctx, s.seen.TraceID())
		if err != nil {
			return nil, err
		}
		whole, server = append(whole, s.seen.JoinRecord(part)), append(server, part.Timeline())
	}
	if len(whole) == 0 {
		return nil, errors.New("no request was made")
	}
	out := newResult(whole)
	out.Server = newResult(server)
	out.Elapsed = float64(r.ended.Sub(r.began))
	out.Value = r.shots[len(r.shots)-1].value
	if r.watching != nil {
		r.watching.tell(out)
	}
	return out, nil
}

// record returns the server's record of a request. Those of a step are looked up
// together, for there may be thousands.
func (p *player) record(ctx context.Context, traceID string) (*record.Record, error) {
	if r := p.records[traceID]; r != nil {
		return r, nil
	}
	r, err := p.live.Recorder().WaitFor(ctx, traceID)
	if err != nil {
		return nil, fmt.Errorf("the server's part: %w", err)
	}
	clear(p.records)
	for _, r := range p.live.Recorder().Last(maxCount) {
		p.records[r.TraceID()] = r
	}
	return r, nil
}
