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

// Result is what formulas can query of the requests of a step. Times are in
// nanoseconds, shares between 0 and 1. A function of several stages adds their times
// up; without arguments it is about the whole requests. Requests that did not pass any
// of the stages are ignored; if no request did, the result is 0.
type Result struct {
	Count   int     `expr:"count"`   // requests
	OK      int     `expr:"ok"`      // requests that succeeded
	Elapsed float64 `expr:"elapsed"` // from the beginning of the first request to the end of the last
	Conns   int     `expr:"connections"`

	P50   func(stages ...string) float64 `expr:"p50"`
	P99   func(stages ...string) float64 `expr:"p99"`
	Least func(stages ...string) float64 `expr:"least"`
	Most  func(stages ...string) float64 `expr:"most"`
	Total func(stages ...string) float64 `expr:"total"` // the sum over all requests

	Share   func(stages ...string) float64    `expr:"share"`   // the share of all waiting time that was in these stages
	Kind    func(kind string) float64         `expr:"kind"`    // the share that was of one kind: work, queue, disk, network, consensus, held
	Shared  func(stage string) float64        `expr:"shared"`  // how many requests shared a batch of the stage, on average over the requests
	Batches func(stage string) int            `expr:"batches"` // how many batches of the stage there were
	Having  func(stage string) int            `expr:"having"`  // requests that passed the stage
	Without func(stage, why string) int       `expr:"without"` // requests that did not pass the stage, for this reason
	Marked  func(attribute, value string) int `expr:"marked"`  // requests with this attribute
	Coded   func(code string) int             `expr:"coded"`   // requests that ended with this gRPC code
	Value   string                            `expr:"value"`   // the value that the last get returned
	Bytes   func() float64                    `expr:"bytes_out"`

	First   *Request `expr:"first"`
	Last    *Request `expr:"last"`
	Slowest *Request `expr:"slowest"`
	Fastest *Request `expr:"fastest"`

	Server *Result `expr:"server"` // the same requests, with the server's part of their timelines alone

	Events     int     `expr:"events"`      // how many events the watchers received
	FirstEvent float64 `expr:"first_event"` // from sending a write until the first watcher has its event; the median over the writes
	LastEvent  float64 `expr:"last_event"`  // from sending a write until the last watcher has its event; the median over the writes

	timelines []*trace.Timeline
}

// newResult returns the result of requests with these timelines.
func newResult(timelines []*trace.Timeline) *Result {
	m := &requestSet{}
	r := &Result{Count: len(timelines), timelines: timelines}
	conns := make(map[uint64]bool)
	for _, t := range timelines {
		m.all = append(m.all, newRequest(t))
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

// requestSet answers the queries of a Result.
type requestSet struct{ all []*Request }

// quantile returns the function that computes the quantile q.
func (m *requestSet) quantile(q float64) func(...string) float64 {
	return func(stages ...string) float64 {
		times := m.times(stages)
		if len(times) == 0 {
			return 0
		}
		slices.Sort(times)
		return times[max(0, int(q*float64(len(times))+0.5)-1)]
	}
}

// times returns how long the stages lasted, added up, for each request that passed at
// least one of them.
func (m *requestSet) times(stages []string) (out []float64) {
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

func (m *requestSet) total(stages ...string) (sum float64) {
	for _, t := range m.times(stages) {
		sum += t
	}
	return sum
}

func (m *requestSet) share(stages ...string) float64 {
	return m.shareOf(func(r *Request) float64 { return r.Waited(stages...) })
}

func (m *requestSet) kind(kind string) float64 {
	return m.shareOf(func(r *Request) float64 { return r.Duration * r.Kind(kind) })
}

// shareOf returns the sum of a time over all requests, divided by the sum of their
// durations.
func (m *requestSet) shareOf(of func(*Request) float64) float64 {
	var some, all float64
	for _, r := range m.all {
		some, all = some+of(r), all+r.Duration
	}
	if all == 0 {
		return 0
	}
	return some / all
}

func (m *requestSet) shared(stage string) float64 {
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

// batches counts the batches of a stage. A request knows only how many requests shared
// its batch, n, so each of them counts as 1/n.
func (m *requestSet) batches(stage string) int {
	sum := 0.0
	for _, r := range m.all {
		if by := r.Shared(stage); by > 0 {
			sum += 1 / float64(by)
		}
	}
	return int(math.Round(sum))
}

func (m *requestSet) count(fits func(*Request) bool) (n int) {
	for _, r := range m.all {
		if fits(r) {
			n++
		}
	}
	return n
}

func (m *requestSet) bytes() (sum float64) {
	for _, r := range m.all {
		sum += float64(r.timeline.BytesOut)
	}
	return sum
}

// Request is what formulas can query of one request. Times are in nanoseconds, shares
// between 0 and 1.
type Request struct {
	Duration  float64 `expr:"duration"`
	Explained float64 `expr:"explained"` // the share of the duration that stages account for
	Code      string  `expr:"code"`      // the gRPC code's name
	Message   string  `expr:"message"`   // the error's text
	Reused    bool    `expr:"reused"`    // its connection was already open
	WaitsIn   string  `expr:"waits_in"`  // the stage that it waited in longest

	Took      func(stages ...string) float64 `expr:"took"`      // how long the stages lasted
	Waited    func(stages ...string) float64 `expr:"waited"`    // how long it waited in these stages themselves, not in stages inside them
	Share     func(stages ...string) float64 `expr:"share"`     // the same as a share of its duration
	Kind      func(kind string) float64      `expr:"kind"`      // the share of its duration that was of this kind
	Has       func(stage string) bool        `expr:"has"`       // whether it passed the stage
	Why       func(stage string) string      `expr:"why"`       // the reason why it did not pass the stage; "" if none is recorded
	Shared    func(stage string) int         `expr:"shared"`    // how many requests shared the stage's batch; 0 if it was not shared
	Attribute func(name string) string       `expr:"attribute"` // the value of an attribute, or ""; the prefix glasskv. may be omitted

	timeline *trace.Timeline
}

func newRequest(t *trace.Timeline) *Request {
	q := &requestAnswers{t, t.Waited()}
	r := &Request{
		Duration: float64(t.DurationNS), Explained: t.Explained, Code: t.Code, Message: t.Message,
		Reused: t.Connection.Reused, WaitsIn: q.longestWait(), timeline: t,
		Took: q.stageTime, Waited: q.waitTime, Has: q.has, Why: q.why, Shared: q.shared, Attribute: q.attribute,
	}
	r.Share = func(stages ...string) float64 { return q.share(q.waitTime(stages...)) }
	r.Kind = func(kind string) float64 { return q.share(q.ofKind(stages.Kind(kind))) }
	return r
}

// requestAnswers answers the queries of a Request.
type requestAnswers struct {
	*trace.Timeline
	waited map[string]int64
}

func (q *requestAnswers) stageTime(stages ...string) (ns float64) {
	for _, name := range stages {
		for i := range q.Stages {
			if st := &q.Stages[i]; st.Stage == name && !st.Open {
				ns += float64(st.Took())
			}
		}
	}
	return ns
}

func (q *requestAnswers) waitTime(stages ...string) (ns float64) {
	for _, name := range stages {
		ns += float64(q.waited[name])
	}
	return ns
}

func (q *requestAnswers) ofKind(kind stages.Kind) (ns float64) {
	for name, waited := range q.waited {
		if stage, known := stages.ByName(name); known && stages.SpecOf(stage).Kind == kind {
			ns += float64(waited)
		}
	}
	return ns
}

func (q *requestAnswers) share(ns float64) float64 {
	if q.DurationNS <= 0 {
		return 0
	}
	return ns / float64(q.DurationNS)
}

func (q *requestAnswers) longestWait() (name string) {
	var most int64
	for _, row := range q.Ledger { // in the ledger's order, so that the result of a tie is fixed
		if ns := q.waited[row.Stage]; ns > most {
			name, most = row.Stage, ns
		}
	}
	return name
}

func (q *requestAnswers) has(stage string) bool { return q.Stage(stage) != nil }

func (q *requestAnswers) why(stage string) string {
	for _, n := range q.NotReached {
		if n.Stage == stage {
			return n.Why
		}
	}
	return ""
}

func (q *requestAnswers) shared(stage string) int {
	if st := q.Stage(stage); st != nil {
		return st.SharedBy
	}
	return 0
}

func (q *requestAnswers) attribute(name string) string {
	if v, ok := q.Attributes[name]; ok {
		return v
	}
	return q.Attributes["glasskv."+strings.TrimPrefix(name, "glasskv.")]
}

// collect returns the result of the requests that were made. It joins the client's and
// the server's parts of their timelines.
func (r *workload) collect(ctx context.Context) (*Result, error) {
	var whole, server []*trace.Timeline
	for _, s := range r.exchanges {
		part, err := r.p.serverRecord(ctx, s.observation.TraceID())
		if err != nil {
			return nil, err
		}
		whole, server = append(whole, s.observation.JoinRecord(part)), append(server, part.Timeline())
	}
	if len(whole) == 0 {
		return nil, errors.New("no request was made")
	}
	out := newResult(whole)
	out.Server = newResult(server)
	out.Elapsed = float64(r.ended.Sub(r.began))
	out.Value = r.exchanges[len(r.exchanges)-1].value
	if r.watchGroup != nil {
		r.watchGroup.addTo(out)
	}
	return out, nil
}

// serverRecord returns the server's record of a request. It looks up the records of a
// step all at once, because there may be thousands.
func (p *player) serverRecord(ctx context.Context, traceID string) (*record.Record, error) {
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
