package walk

import (
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
	"glasskv/walkthrough/walk/tour"
)

// between stands between the facts of a line.
const between = " · "

// facts say of a stop when it was, how long it took, and how long the request waited
// in it; of a stage that the request did not pass, why.
func facts(t *tour.Tour, s *tour.Stop, l lang.Lang) []string {
	if s.Row == nil && s.Part == nil {
		why := t.Missing(s.Stage, l)
		if why == "" {
			return []string{l.Pick("this request did not pass here", "这个请求没有经过这里")}
		}
		return []string{l.Say("this request did not pass here: %s", "这个请求没有经过这里：%s", why)}
	}
	out := []string{l.Say("took %s", "用时 %s", screen.Duration(s.Took))}
	if life(s) {
		out = nil
	}
	if s.Waited > 0 {
		out = append(out, l.Say("the request waited in it for %s, %s", "请求在其中等了 %s，占 %s", screen.Duration(s.Waited), shareOf(t, s.Waited)))
	} else if s.Part == nil {
		out = append(out, l.Pick("the request did not wait in it itself", "请求没有在它自身上等待"))
	}
	begin, end := bounds(s)
	switch {
	case life(s):
	case end <= 0 && begin < 0:
		out = append(out, l.Say("began %s before the request", "早于请求 %s 开始", screen.Duration(-begin)))
	case end == begin:
		out = append(out, l.Say("at %s", "在 %s 处", screen.Duration(begin)))
	default:
		out = append(out, l.Say("from %s to %s", "从 %s 到 %s", screen.Duration(begin), screen.Duration(end)))
	}
	if s.Stage != trace.None && !life(s) {
		out = append(out, l.Kind(trace.SpecOf(s.Stage).Kind))
	}
	return append(out, t.Labels(s, l)...)
}

// life reports whether a stop is a connection's life: it has a length, and nobody
// waits for it.
func life(s *tour.Stop) bool {
	return s.Row != nil && s.Stage != trace.None && trace.SpecOf(s.Stage).Kind == trace.KindNone
}

func bounds(s *tour.Stop) (begin, end int64) {
	if s.Part != nil {
		return s.Part.BeginNS, s.Part.EndNS
	}
	begin, end = s.Row.BeginNS, s.Row.EndNS
	for _, st := range s.Times[1:] {
		begin, end = min(begin, st.BeginNS), max(end, st.EndNS)
	}
	return begin, end
}

func shareOf(t *tour.Tour, ns int64) string {
	return screen.Percent(float64(ns) / float64(max(1, t.Timeline.DurationNS)))
}

// name is what a stop is called; of a request that the server made itself, what it
// asked. It is escaped.
func name(s *tour.Stop, l lang.Lang) string {
	if s.Part != nil {
		return verdict.PartName(s.Part, l)
	}
	return screen.Escape(s.Name)
}

// headline says which request it is, what came of it, and how long it took.
func headline(t *trace.Timeline, l lang.Lang) (title, code, took string) {
	code = verdict.Outcome(t, l)
	if code == "" {
		code = screen.Escape(t.Code)
	}
	return verdict.Operation(t, l), code, screen.Duration(t.DurationNS)
}

// short is a symbol as one says it: "wal.(*WAL).sync".
func short(symbol string) string {
	slash := strings.LastIndexByte(symbol, '/')
	dot := strings.IndexByte(symbol[slash+1:], '.')
	if dot < 0 {
		return screen.Escape(symbol)
	}
	at := slash + 1 + dot
	return screen.Escape(trace.Symbol{Package: symbol[:at], Name: symbol[at+1:]}.String())
}
