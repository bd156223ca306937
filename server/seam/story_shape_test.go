package seam

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// next takes the next finished record of a request for the key, or of any
// request. Those of other requests are left for their turn.
func (s *story) next(key string) *record.Record {
	is := func(rec *record.Record) bool {
		of, known := rec.Timeline().Attributes[trace.AttrKey]
		return key == "" || !known || of == key
	}
	if i := slices.IndexFunc(s.early, is); i >= 0 {
		rec := s.early[i]
		s.early = slices.Delete(s.early, i, i+1)
		return rec
	}
	for {
		rec := seamtest.Await(s, "record", s.finished)
		if is(rec) {
			return rec
		}
		s.early = append(s.early, rec)
	}
}

// records takes n records of requests for a key and tells of each shape once. With
// codes=(A,B) either code will do, where it depends on which of two clocks is
// quicker; with ignore=(A) an attribute is not shown, for a like reason. With rows the story
// ends before what it waited in, where the order of two depends on chance.
func (s *story) records(n int, key string, w words) string {
	ignored, _ := w.Arg("ignore")
	s.ignored = ignored.Vals
	count, shapes, behind := map[string]int{}, []string{}, []int{}
	for range n {
		s.last = s.next(key)
		shape := s.settled(s.shape(s.last, n > 1), w)
		if w.has("brief") {
			shape, _, _ = strings.Cut(shape, "stages:\n")
		}
		if w.has("rows") {
			shape, _, _ = strings.Cut(shape, "waited in:\n")
		}
		before, _ := strconv.Atoi(s.last.Timeline().Attributes[trace.AttrBehind])
		behind = append(behind, before)
		if codes, ok := w.Arg("codes"); ok {
			shape = eitherCode(shape, codes.Vals)
		}
		if count[shape]++; count[shape] == 1 {
			shapes = append(shapes, shape)
		}
	}
	if w.has("quiet") {
		return ""
	}
	var b strings.Builder
	for _, shape := range shapes {
		if n > 1 {
			fmt.Fprintf(&b, "%d of %d%s:\n", count[shape], n, places(behind))
		}
		b.WriteString(shape)
	}
	return b.String()
}

// places tells how many entries stood before each request's in its apply batch.
func places(behind []int) string {
	slices.Sort(behind)
	if behind = slices.Compact(behind); len(behind) == 1 {
		return ""
	}
	return fmt.Sprintf(", in their apply batch behind %v", behind)
}

// settled leaves out what depends on who was quicker when a server is stopped: the
// GOAWAY or the request's end. A story whose client has waited for the GOAWAY is
// told.
func (s *story) settled(shape string, w words) string {
	if s.tally.get("stopping") == 0 || w.has("told") {
		return shape
	}
	return strings.NewReplacer("  goaway=true\n", "", "goaway=true ", "").Replace(shape)
}

func eitherCode(shape string, codes []string) string {
	head, rest, _ := strings.Cut(shape, "\n")
	method, code, _ := strings.Cut(head, ": ")
	code, _, _ = strings.Cut(code, ",")
	for _, one := range codes {
		if name, _, _ := strings.Cut(code, " "); name == one {
			return fmt.Sprintf("%s: %s\n%s", method, strings.Join(codes, " or "), rest)
		}
	}
	return shape
}

// shape prints a record without its times; one of many also without what tells
// it from the others.
func (s *story) shape(rec *record.Record, ofMany bool) string {
	t := rec.Timeline()
	sound(s, t)
	for _, key := range s.ignored {
		delete(t.Attributes, "glasskv."+key)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%q: %s\n", t.Method, reply(t))
	if ofMany {
		delete(t.Attributes, trace.AttrRevision)
		delete(t.Attributes, trace.AttrBehind)
	}
	if text := facts(t); text != "" {
		fmt.Fprintf(&b, "  %s\n", text)
	}
	b.WriteString("stages:\n")
	b.WriteString(tree(t))
	if waited := waited(t); waited != "" {
		fmt.Fprintf(&b, "waited in:\n%s\n", waited)
	}
	for i, not := range t.NotReached {
		if i == 0 {
			b.WriteString("not reached:\n")
		}
		fmt.Fprintf(&b, "  %s: %s\n", not.Stage, not.Why)
	}
	return b.String()
}

func reply(t *trace.Timeline) string {
	text := t.Code
	if text == "" {
		text = "no reply"
	}
	if t.Message != "" {
		text += fmt.Sprintf(" %q", t.Message)
	}
	if t.Connection.Reused {
		return text + ", connection reused"
	}
	return text + ", new connection"
}

// facts lists the attributes.
func facts(t *trace.Timeline) string {
	var all []string
	for _, key := range slices.Sorted(maps.Keys(t.Attributes)) {
		all = append(all, fmt.Sprintf("%s=%s", strings.TrimPrefix(key, "glasskv."), t.Attributes[key]))
	}
	return strings.Join(all, " ")
}

// tree lists the stages, each below the one that it lies in. A stage that
// repeats stands once.
func tree(t *trace.Timeline) string {
	var b strings.Builder
	var below func(parent, indent string)
	below = func(parent, indent string) {
		seen := map[string]int{}
		for _, st := range t.Stages {
			if st.Parent == parent {
				seen[st.Stage]++
			}
		}
		for _, st := range t.Stages {
			if times := seen[st.Stage]; st.Parent == parent && times > 0 {
				seen[st.Stage] = 0
				fmt.Fprintf(&b, "%s\n", strings.TrimRight(line(st, indent, times), " "))
				below(st.Stage, indent+"  ")
			}
		}
	}
	below("", "  ")
	return b.String()
}

// line tells of one stage. How often a handler has asked for the next message when
// its client goes away is chance; codec.decode counts what came.
func line(st trace.StageTime, indent string, times int) string {
	var more []string
	if st.BeginEdge != stages.Exact || st.EndEdge != stages.Exact {
		more = append(more, fmt.Sprintf("%s to %s", st.BeginEdge, st.EndEdge))
	}
	if st.SharedBy > 0 {
		more = append(more, fmt.Sprintf("shared by %d", st.SharedBy))
	}
	if why := st.Attributes[trace.AttrWhy]; why != "" {
		more = append(more, strings.TrimSpace(fmt.Sprintf("%s at %s %s", why, st.Attributes[trace.AttrAt], st.Attributes[trace.AttrEnded])))
	}
	if st.Open {
		more = append(more, "open")
	}
	if times > 1 && st.Stage != stages.RecvMsg.String() {
		more = append(more, fmt.Sprintf("%d times", times))
	}
	return fmt.Sprintf("%-54s %-8s %s", indent+st.Stage, st.Scope, strings.Join(more, ", "))
}

// beside names the stages that a method's handler passes on a goroutine beside the
// one that sends: whether the ledger has a sliver of them is chance.
var beside = map[string][]string{
	pb.Watch_Watch_FullMethodName: besideWatch,
	"POST /v3/watch":              besideWatch,
}

var besideWatch = []string{stages.RecvMsg.String(), stages.CodecDecode.String(), stages.WatchCreate.String()}

// waited lists what stands in the ledger, each stage where it comes first.
func waited(t *trace.Timeline) string {
	var names []string
	var lines strings.Builder
	column := 80
	for _, row := range t.Ledger {
		if slices.Contains(names, row.Stage) || slices.Contains(beside[t.Method], row.Stage) {
			continue
		}
		names = append(names, row.Stage)
		if column += len(row.Stage) + 2; column > 80 {
			column = len(row.Stage) + 2
			lines.WriteString("\n ")
		}
		lines.WriteString(" " + row.Stage)
	}
	return strings.TrimPrefix(lines.String(), "\n")
}

// spanNames keeps the names of the root spans that are exported.
type spanNames struct {
	mu    sync.Mutex
	roots []string
}

func (x *spanNames) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, span := range spans {
		if parent := span.Parent(); parent.IsRemote() {
			x.roots = append(x.roots, fmt.Sprintf("%s %s", span.SpanContext().TraceID(), span.Name()))
		}
	}
	return nil
}

func (x *spanNames) Shutdown(context.Context) error { return nil }

// exports ends the recorder and tells what had been exported.
func (s *story) exports() string {
	s.must(s.recorder.Close(seamtest.Limit(s)))
	s.exported.mu.Lock()
	defer s.exported.mu.Unlock()
	return strings.Join(s.exported.roots, "\n")
}
