package main

import (
	"encoding/json"
	"fmt"
	"math"
)

// The check of a timeline reads what programs read, the JSON, and shares no type
// and no line with the code that wrote it.

type jsonTimeline struct {
	TraceID     string  `json:"trace_id"`
	Method      string  `json:"method"`
	Observer    string  `json:"observer"`
	DurationNS  int64   `json:"duration_ns"`
	ExplainedNS int64   `json:"explained_ns"`
	Explained   float64 `json:"explained"`
	Stages      []struct {
		Stage   string `json:"stage"`
		BeginNS int64  `json:"begin_ns"`
		EndNS   int64  `json:"end_ns"`
	} `json:"stages"`
	Ledger []struct {
		Stage   string `json:"stage"`
		BeginNS int64  `json:"begin_ns"`
		EndNS   int64  `json:"end_ns"`
	} `json:"ledger"`
}

// serversPart is a stage that only the server can see, and that every request
// passes.
const serversPart = "grpc.handleStream"

// verdict is what the check finds in one timeline.
type verdict struct {
	method     string
	explained  float64 // of the duration, worked out from the rows
	duration   int64   // nanoseconds
	violations []string
}

// judge checks that the ledger's rows tile the duration, that none of them is
// negative, that each names a stage that is there, and that the sums are right.
func judge(line []byte) (verdict, error) {
	var t jsonTimeline
	if err := json.Unmarshal(line, &t); err != nil {
		return verdict{}, fmt.Errorf("timeline: %w", err)
	}
	v := verdict{method: t.Method, duration: t.DurationNS}
	complain := func(format string, args ...any) {
		v.violations = append(v.violations, t.TraceID+": "+fmt.Sprintf(format, args...))
	}
	stages := map[string]bool{"unexplained": true}
	for _, s := range t.Stages {
		stages[s.Stage] = true
		if s.EndNS < s.BeginNS {
			complain("stage %s lasts %d ns", s.Stage, s.EndNS-s.BeginNS)
		}
	}
	if !stages[serversPart] {
		complain("the server's part is missing")
	}
	at, named := int64(0), int64(0)
	for _, row := range t.Ledger {
		switch {
		case row.BeginNS > at:
			complain("gap of %d ns before %s", row.BeginNS-at, row.Stage)
		case row.BeginNS < at:
			complain("%s overlaps what is before it by %d ns", row.Stage, at-row.BeginNS)
		}
		if row.EndNS <= row.BeginNS {
			complain("row %s of %d ns", row.Stage, row.EndNS-row.BeginNS)
		}
		if !stages[row.Stage] {
			complain("row %s names no stage", row.Stage)
		}
		if row.Stage != "unexplained" {
			named += row.EndNS - row.BeginNS
		}
		at = row.EndNS
	}
	if at != t.DurationNS {
		complain("rows end at %d ns of %d", at, t.DurationNS)
	}
	if named != t.ExplainedNS {
		complain("rows explain %d ns, the sum says %d", named, t.ExplainedNS)
	}
	if t.DurationNS > 0 {
		v.explained = float64(named) / float64(t.DurationNS)
	}
	if math.Abs(v.explained-t.Explained) > 1e-6 {
		complain("rows explain %.6f of it, the sum says %.6f", v.explained, t.Explained)
	}
	return v, nil
}
