package lesson

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"glasskv/trace"
	"glasskv/walkthrough/summary"
)

// Outcome is what came of a lesson.
type Outcome struct {
	Lesson string
	Claims []ClaimOutcome
	Took   time.Duration
}

// ClaimOutcome is a claim and whether the run showed it.
type ClaimOutcome struct {
	File  string
	Line  int
	Text  string // in the reader's language, with what was measured
	Check string
	Holds bool
}

// Failed returns the claims that the run did not show.
func (o *Outcome) Failed() (failed []ClaimOutcome) {
	for _, c := range o.Claims {
		if !c.Holds {
			failed = append(failed, c)
		}
	}
	return failed
}

// Err says which claim it was and what it said; nil when it holds.
func (c ClaimOutcome) Err() error {
	if c.Holds {
		return nil
	}
	return fmt.Errorf("%s:%d: the run did not show `%s`: %s", c.File, c.Line, strings.TrimSpace(c.Check), c.Text)
}

// Event is a step as programs read it, one object a line. Which fields are there
// depends on the kind; the last line of a lesson is of the kind "end".
type Event struct {
	Lesson string `json:"lesson"`
	Step   int    `json:"step"` // from 1
	Line   int    `json:"line,omitempty"`
	Kind   string `json:"kind"` // the step's name in the file
	Text   string `json:"text,omitempty"`

	Results map[string]Figures `json:"results,omitempty"`
	Values  map[string]float64 `json:"values,omitempty"`

	Name    string   `json:"name,omitempty"` // of a question
	Choices []string `json:"choices,omitempty"`
	Said    string   `json:"said,omitempty"` // the prediction; absent when none was made
	Was     string   `json:"was,omitempty"`  // what it turned out to be

	Check  string `json:"check,omitempty"`
	Holds  *bool  `json:"holds,omitempty"`
	Claims int    `json:"claims,omitempty"` // at the end: how many were made
	Held   int    `json:"held,omitempty"`   // and how many of them held
	TookNS int64  `json:"took_ns,omitempty"`

	Timeline *trace.Timeline          `json:"timeline,omitempty"`
	Columns  map[string][]summary.Row `json:"columns,omitempty"` // of a table, by its title

	Symbol string `json:"symbol,omitempty"`
	Anchor string `json:"anchor,omitempty"`
	File   string `json:"file,omitempty"`
	First  int    `json:"first_line,omitempty"`
	Last   int    `json:"last_line,omitempty"`
	Stage  string `json:"stage,omitempty"`
}

// Figures are a result in short.
type Figures struct {
	Count     int   `json:"count"`
	OK        int   `json:"ok"`
	P50NS     int64 `json:"p50_ns"`
	P99NS     int64 `json:"p99_ns"`
	ElapsedNS int64 `json:"elapsed_ns"`
	Fsyncs    int   `json:"fsyncs"`
}

// report prints an event when programs read.
func (p *player) report(e *Event, s *Step) error {
	if !p.Show.JSON() {
		return nil
	}
	e.Lesson, e.Step = p.lesson.Name, p.index
	if s != nil {
		e.Line, e.Kind = s.line, s.kind
	}
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (p *player) reportResults(s *Step) error {
	e := &Event{Results: make(map[string]Figures)}
	for _, r := range s.requests() {
		got, ok := p.known[r.Name].(*Result)
		if !ok {
			continue
		}
		e.Results[r.Name] = Figures{
			Count: got.Count, OK: got.OK, P50NS: int64(got.P50()), P99NS: int64(got.P99()),
			ElapsedNS: int64(got.Elapsed), Fsyncs: got.Batches(trace.WALSync.String()),
		}
	}
	return p.report(e, s)
}

// conclude says that the lesson is over.
func (p *player) conclude() error {
	claims := len(p.outcome.Claims)
	return p.report(&Event{
		Kind: "end", Claims: claims, Held: claims - len(p.outcome.Failed()), TookNS: p.outcome.Took.Nanoseconds(),
	}, nil)
}
