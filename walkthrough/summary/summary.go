// Package summary sums up many requests: for each stage how often it happened, how
// long it took at the median and at the 99th percentile, and which share of all the
// wait was spent in it.
//
//	summary.go   the sums, and their form for programs
//	table.go     a table for people
package summary

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/HdrHistogram/hdrhistogram-go"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Summary sums up many requests.
type Summary struct {
	Requests  int
	Total     Row   // sums up the requests as a whole; its Stage is empty
	Stages    []Row // in the order of the path, then those of other programs
	Explained Share
}

// Row sums up one stage. Durations are in nanoseconds.
type Row struct {
	Stage    string  `json:"stage"`
	Count    int     `json:"count"` // requests in which it happened
	P50      int64   `json:"p50_ns"`
	P99      int64   `json:"p99_ns"`
	Max      int64   `json:"max_ns"`
	Waited   int64   `json:"waited_ns"` // the sum over the ledgers of all requests
	Share    float64 `json:"share"`     // the share of all requests' waiting time, from 0 to 1
	SharedBy float64 `json:"shared_by"` // requests in a batch, on average; 0 for a stage that is not shared
}

// Share is how much of the requests' durations was explained, each from 0 to 1.
type Share struct {
	Median float64 // half of the requests have at least this share
	P99    float64 // 99 of 100 requests have at least this share
}

// The histograms record times up to an hour, with three significant digits.
const (
	maxTime = int64(3600e9) // nanoseconds
	digits  = 3
)

// Summarize sums the timelines up and keeps none of them. It leaves out timelines of
// connections that never carried a request.
func Summarize(timelines []*trace.Timeline) *Summary {
	sum, requests := &summing{stages: make(map[string]*tally), total: newTally("")}, 0
	for _, t := range timelines {
		if t.Attributes[trace.AttrFailedConn] == "" {
			sum.add(t)
			requests++
		}
	}
	return sum.result(requests)
}

// summing is a summary while it is summed up.
type summing struct {
	stages    map[string]*tally
	total     *tally
	explained []float64
}

// tally is a row while it is summed up.
type tally struct {
	stage    string
	hist     *hdrhistogram.Histogram
	max      int64
	waited   int64
	batches  int
	sharedBy int
}

func newTally(stage string) *tally {
	return &tally{stage: stage, hist: hdrhistogram.New(1, maxTime, digits)}
}

// record adds how long one request took.
func (a *tally) record(ns int64) {
	a.max = max(a.max, ns)
	// The only error is that of a value outside of the bounds.
	_ = a.hist.RecordValue(min(max(ns, 1), maxTime))
}

func (s *summing) stage(name string) *tally {
	if s.stages[name] == nil {
		s.stages[name] = newTally(name)
	}
	return s.stages[name]
}

func (s *summing) add(t *trace.Timeline) {
	s.total.record(t.DurationNS)
	s.total.waited += t.DurationNS
	s.explained = append(s.explained, t.Explained)

	took := make(map[string]int64, len(t.Stages))
	for i := range t.Stages {
		st := &t.Stages[i]
		if st.Open {
			continue // its duration is not known yet
		}
		took[st.Stage] += st.Took()
		if st.SharedBy > 0 {
			a := s.stage(st.Stage)
			a.batches++
			a.sharedBy += st.SharedBy
		}
	}
	waited := t.Waited()
	took[trace.Unexplained] = waited[trace.Unexplained] // counts in every request, also if it is zero
	for name, ns := range took {
		s.stage(name).record(ns)
	}
	for name, ns := range waited {
		s.stage(name).waited += ns
	}
}

func (s *summing) result(requests int) *Summary {
	out := &Summary{Requests: requests, Total: s.total.row(s.total.waited)}
	for _, a := range s.stages {
		out.Stages = append(out.Stages, a.row(s.total.waited))
	}
	slices.SortFunc(out.Stages, inPathOrder)
	if n := len(s.explained); n > 0 {
		slices.Sort(s.explained)
		out.Explained = Share{Median: s.explained[n/2], P99: s.explained[n/100]}
	}
	return out
}

func (a *tally) row(all int64) Row {
	r := Row{
		Stage: a.stage, Count: int(a.hist.TotalCount()), Max: a.max, Waited: a.waited,
		P50: min(a.hist.ValueAtQuantile(50), a.max), P99: min(a.hist.ValueAtQuantile(99), a.max),
	}
	if all > 0 {
		r.Share = float64(a.waited) / float64(all)
	}
	if a.batches > 0 {
		r.SharedBy = float64(a.sharedBy) / float64(a.batches)
	}
	return r
}

// inPathOrder compares two rows: stages in the order of the catalogue, then those of
// other programs by name, then the unexplained time.
func inPathOrder(a, b Row) int {
	return cmp.Or(cmp.Compare(rank(a.Stage), rank(b.Stage)), cmp.Compare(a.Stage, b.Stage))
}

func rank(name string) int {
	if name == trace.Unexplained {
		return int(stages.NumStages) + 1
	}
	if stage, known := stages.ByName(name); known {
		return int(stage)
	}
	return int(stages.NumStages)
}

// depth returns how many of a stage's ancestors are present. A stage of another
// program has depth 0.
func depth(name string, present map[string]bool) (levels int) {
	stage, known := stages.ByName(name)
	if !known {
		return 0
	}
	for {
		stage = stages.SpecOf(stage).Parent
		if stage == stages.None {
			return levels
		}
		if isPresent(stage, present) {
			levels++
		}
	}
}

// isPresent reports whether a stage is present, or a stage that has the same place
// in the path: in the catalogue grpc.handler is the parent for all handlers, and
// txn.put for all that an entry can be applied as.
func isPresent(stage stages.Stage, present map[string]bool) bool {
	switch stage {
	case stages.GRPCHandler:
		return anyOf(present, stages.V3Put, stages.GRPCHandler)
	case stages.TxnPut:
		return anyOf(present, stages.TxnPut, stages.ApplyLease)
	}
	return present[stage.String()]
}

func anyOf(present map[string]bool, first, last stages.Stage) bool {
	for s := first; s <= last; s++ {
		if present[s.String()] {
			return true
		}
	}
	return false
}

// WriteJSON writes one JSON object per line: each stage, and last the whole requests
// as a stage called "total".
func WriteJSON(w io.Writer, s *Summary) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	total := s.Total
	total.Stage = "total"
	for _, r := range append(s.Stages[:len(s.Stages):len(s.Stages)], total) {
		if err := enc.Encode(r); err != nil {
			return fmt.Errorf("write summary: %w", err)
		}
	}
	return nil
}
