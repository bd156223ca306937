// Package summary adds up many requests: for each stage how often it happened,
// how long it took at the median and at the 99th percentile, and which part of
// all the waiting was spent in it.
//
//	summary.go   the sums
//	table.go     as a table for people
//	json.go      as one object a line for programs
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

// Summary is what many requests have in common.
type Summary struct {
	Requests  int
	Total     Row   // the whole requests
	Stages    []Row // in the order of the path; stages of other programs after ours
	Explained Share // of the requests' durations
}

// Row sums up one stage. Durations are in nanoseconds.
type Row struct {
	Stage    string  `json:"stage"`
	Count    int     `json:"count"` // requests that it was seen in
	P50      int64   `json:"p50_ns"`
	P99      int64   `json:"p99_ns"`
	Max      int64   `json:"max_ns"`
	Waited   int64   `json:"waited_ns"` // by the ledgers, all requests together
	Share    float64 `json:"share"`     // of all the time that the requests waited
	SharedBy float64 `json:"shared_by"` // requests to a batch, on average; 0 for a stage that is not shared
}

// Share says how much of the requests' time was explained.
type Share struct {
	Median float64 // half of the requests were explained at least so far
	P99    float64 // 99 of 100 were
}

// The bounds of what the histograms tell apart: a nanosecond to an hour, with
// three digits.
const (
	longest = int64(3600e9)
	digits  = 3
)

// Summarize adds up the timelines. It keeps none of them. Connections that never
// carried a request are no requests and left out.
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

type summing struct {
	stages    map[string]*tally
	total     *tally
	explained []float64
}

// tally is a row while it is added up.
type tally struct {
	stage    string
	hist     *hdrhistogram.Histogram
	max      int64
	waited   int64
	batches  int
	sharedBy int
}

func newTally(stage string) *tally {
	return &tally{stage: stage, hist: hdrhistogram.New(1, longest, digits)}
}

func (a *tally) took(ns int64) {
	a.max = max(a.max, ns)
	// The value is within the bounds, so there is no error to be had.
	_ = a.hist.RecordValue(min(max(ns, 1), longest))
}

func (s *summing) stage(name string) *tally {
	if s.stages[name] == nil {
		s.stages[name] = newTally(name)
	}
	return s.stages[name]
}

func (s *summing) add(t *trace.Timeline) {
	s.total.took(t.DurationNS)
	s.total.waited += t.DurationNS
	s.explained = append(s.explained, t.Explained)

	took := make(map[string]int64, len(t.Stages))
	for i := range t.Stages {
		st := &t.Stages[i]
		if st.Open {
			continue // how long it takes is not known yet
		}
		took[st.Stage] += st.Took()
		if st.SharedBy > 0 {
			a := s.stage(st.Stage)
			a.batches++
			a.sharedBy += st.SharedBy
		}
	}
	waited := t.Waited()
	took[trace.Unexplained] = waited[trace.Unexplained] // a row of its own, also where it is zero
	for name, ns := range took {
		s.stage(name).took(ns)
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

// inPathOrder puts our stages in the order of the catalogue, those of other
// programs after them, and the unexplained time at the end.
func inPathOrder(a, b Row) int {
	return cmp.Or(cmp.Compare(place(a.Stage), place(b.Stage)), cmp.Compare(a.Stage, b.Stage))
}

func place(name string) int {
	if name == trace.Unexplained {
		return int(stages.NumStages) + 1
	}
	if stage, known := stages.ByName(name); known {
		return int(stage)
	}
	return int(stages.NumStages)
}

// depth counts what a stage sits inside, as far as that is in the summary too.
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
		if standsIn(stage, present) {
			levels++
		}
	}
}

// standsIn reports whether the stage, or one of those that it stands for in the
// catalogue, is present.
func standsIn(stage stages.Stage, present map[string]bool) bool {
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

// WriteJSON writes the summary for programs: one object a line, a stage each,
// the whole request last under the name "total".
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
