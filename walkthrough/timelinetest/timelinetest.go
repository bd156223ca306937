// Package timelinetest makes timelines for tests out of a few lines of text, with
// their ledgers, as if the requests had been recorded.
//
//	request /etcdserverpb.KV/Put OK 1.14ms observer=client conn=1 new key=greeting
//	net.request 20us 84us
//	wal.sync 400us 702us shared=12
//	not grpc.handleRawConn connection reused
//	problem a child begins before its parent
//	part /etcdserverpb.KV/Put OK 100us 900us under=gateway.call
//	wal.sync 300us 500us part=1
//
// A stage's times count from the request's start. Its scope, parent and edges are
// those of the catalogue unless the line gives them.
package timelinetest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// start is when every request of Parse began.
var start = time.Date(2026, time.March, 4, 15, 16, 17, 0, time.UTC)

// Parse reads one timeline. Empty lines and lines that begin with # are skipped. An
// error quotes the line that it is about.
func Parse(text string) (*trace.Timeline, error) {
	t := &trace.Timeline{
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", SpanID: "00f067aa0ba902b7",
		Observer: trace.ObserverServer, Start: start, Attributes: map[string]string{},
	}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if err := parseLine(t, fields); err != nil {
			return nil, fmt.Errorf("%q: %w", strings.TrimSpace(line), err)
		}
	}
	trace.FillLedger(t)
	return t, nil
}

func parseLine(t *trace.Timeline, fields []string) error {
	switch rest := fields[1:]; fields[0] {
	case "request":
		return parseRequest(t, rest)
	case "not":
		t.NotReached = append(t.NotReached, trace.NotReached{Stage: rest[0], Why: strings.Join(rest[1:], " ")})
		return nil
	case "problem":
		text, err := unquote(strings.Join(rest, " "))
		t.Problems = append(t.Problems, text)
		return err
	case "part":
		return parsePart(t, rest)
	case "message":
		text, err := strconv.Unquote(strings.Join(rest, " "))
		t.Message = text
		return err
	}
	return parseStage(t, fields)
}

func parseRequest(t *trace.Timeline, fields []string) error {
	if len(fields) < 3 {
		return fmt.Errorf("want method, code and duration")
	}
	method, err := unquote(fields[0])
	if err != nil {
		return err
	}
	code, err := unquote(fields[1])
	if err != nil {
		return err
	}
	t.Method, t.Code = strings.TrimPrefix(method, "-"), strings.TrimPrefix(code, "-")
	if t.DurationNS, err = ns(fields[2]); err != nil {
		return err
	}
	t.Connection = trace.Connection{Reused: true, Peer: "127.0.0.1:51234", Local: "127.0.0.1:2379"}
	for _, f := range fields[3:] {
		if err := requestOption(t, f); err != nil {
			return err
		}
	}
	return nil
}

func requestOption(t *trace.Timeline, option string) error {
	name, value, _ := strings.Cut(option, "=")
	value, err := unquote(value)
	switch name {
	case "new":
		t.Connection.Reused = false
	case "conn":
		t.Connection.ID, err = strconv.ParseUint(value, 10, 64)
	case "observer":
		t.Observer = trace.Observer(value)
	case "key":
		t.Attributes[trace.AttrKey], t.Attributes[trace.AttrKeySize] = value, strconv.Itoa(len(value))
	case "redacted":
		t.Attributes[trace.AttrKeySize] = value
	case "value":
		t.Attributes[trace.AttrValueSize] = value
	case "revision":
		t.Attributes[trace.AttrRevision] = value
	case "behind":
		t.Attributes[trace.AttrBehind] = value
	case "outcome":
		t.Attributes[trace.AttrOutcome] = value
	case "faults":
		t.Attributes[trace.AttrFaults] = value
	case "streaming":
		t.Attributes[trace.AttrStreaming] = "true"
	case "http":
		t.Attributes[trace.AttrHTTPStatus] = value
	case "failed":
		t.Attributes[trace.AttrFailedConn] = "true"
	case "worker":
		t.Attributes[trace.AttrWorker] = value
	case "goaway":
		t.Attributes[trace.AttrGoAway] = "true"
	case "panic":
		t.Attributes[trace.AttrPanic] = "true"
	default:
		return fmt.Errorf("option %q", option)
	}
	return err
}

// parsePart reads a part: method, code, begin, end, the stage that it is in, options.
func parsePart(t *trace.Timeline, fields []string) error {
	if len(fields) < 5 {
		return fmt.Errorf("want method, code, begin, end and under=")
	}
	p := trace.Part{Method: fields[0], Code: fields[1], Under: strings.TrimPrefix(fields[4], "under=")}
	var err error
	if p.BeginNS, err = ns(fields[2]); err != nil {
		return err
	}
	if p.EndNS, err = ns(fields[3]); err != nil {
		return err
	}
	for _, option := range fields[5:] {
		switch name, value, _ := strings.Cut(option, "="); name {
		case "key":
			p.Attributes = map[string]string{trace.AttrKey: value}
		case "in":
			if p.In, err = strconv.Atoi(value); err != nil {
				return err
			}
		default:
			return fmt.Errorf("option %q", option)
		}
	}
	t.Parts = append(t.Parts, p)
	return nil
}

func parseStage(t *trace.Timeline, fields []string) error {
	if len(fields) < 3 {
		return fmt.Errorf("want stage, begin and end")
	}
	name, err := unquote(fields[0])
	if err != nil {
		return err
	}
	st := trace.StageTime{Stage: name, Scope: stages.ScopeRequest, BeginEdge: stages.Exact, EndEdge: stages.Exact}
	if stage, known := stages.ByName(name); known {
		spec := stages.SpecOf(stage)
		st.Parent, st.Scope = spec.Parent.String(), spec.Scope
		st.BeginEdge, st.EndEdge = spec.Begin.Edge, spec.End.Edge
	}
	if st.BeginNS, err = ns(fields[1]); err != nil {
		return err
	}
	if st.EndNS, err = ns(fields[2]); err != nil {
		return err
	}
	for _, option := range fields[3:] {
		if err := stageOption(&st, option); err != nil {
			return err
		}
	}
	t.Stages = append(t.Stages, st)
	return nil
}

func stageOption(st *trace.StageTime, option string) error {
	name, value, _ := strings.Cut(option, "=")
	value, err := unquote(value)
	switch name {
	case "in":
		st.Parent = value
	case "shared":
		st.SharedBy, err = strconv.Atoi(value)
	case "part":
		st.Part, err = strconv.Atoi(value)
	case "attempts":
		st.Attributes = map[string]string{trace.AttrAttempts: value}
	case "took":
		var took int64
		took, err = ns(value)
		st.Attributes = map[string]string{trace.AttrTook: strconv.FormatInt(took, 10)}
	case "count":
		st.Count, err = strconv.Atoi(value)
	case "node":
		st.Node = value
	case "open":
		st.Open = true
	case "failure":
		st.Attributes = map[string]string{trace.AttrFailure: value}
	case "busy":
		var busy int64
		busy, err = ns(value)
		st.Attributes = map[string]string{trace.AttrBusy: strconv.FormatInt(busy, 10)}
	case "at", "why", "ended": // of seam.hold and seam.fault
		if st.Attributes == nil {
			st.Attributes = make(map[string]string)
		}
		st.Attributes[name] = value
	case "inferred":
		st.BeginEdge, st.EndEdge = stages.Inferred, stages.Inferred
	default:
		return fmt.Errorf("option %q", option)
	}
	return err
}

// unquote reads a word, which may be written as a Go string if it has blanks or
// control characters.
func unquote(word string) (string, error) {
	if !strings.HasPrefix(word, `"`) {
		return word, nil
	}
	return strconv.Unquote(word)
}

func ns(text string) (int64, error) {
	d, err := time.ParseDuration(text)
	return int64(d), err
}
