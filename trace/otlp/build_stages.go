package otlp

import (
	"math"
	"strconv"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// weaver adds spans to one timeline, as its stages.
type weaver struct {
	*builder
	t     *trace.Timeline
	start int64 // of the request, since 1970
	found problems
	room  int // stages that may still be added

	// Of another program's trace:
	used    map[string]int // names so far; nil where names need not differ
	service string         // of the root; spans of another one are of another node
}

func (b *builder) weave(t *trace.Timeline) *weaver {
	return &weaver{builder: b, t: t, start: t.Start.UnixNano(), room: len(b.spans)}
}

// collect takes over the contradictions that were found on a row.
func (w *weaver) collect(row int) {
	found := w.named[row]
	if found == nil {
		return
	}
	for _, kind := range found.kinds {
		for _, text := range found.byKey[kind].texts {
			w.found.add(kind, "%s", text)
		}
	}
}

// descend adds the spans below a row, parents before their children. It does not
// call itself: a file may nest as deep as it is long.
func (w *weaver) descend(from int, name string) {
	type level struct {
		name string
		left []int
	}
	for way := []level{{name, w.children(from)}}; len(way) > 0; {
		at := &way[len(way)-1]
		if len(at.left) == 0 {
			way = way[:len(way)-1]
			continue
		}
		if w.room--; w.room < 0 {
			return
		}
		row := at.left[0]
		at.left = at.left[1:]
		st := w.add(row, at.name)
		if kids := w.children(row); len(kids) > 0 {
			way = append(way, level{st.Stage, kids})
		}
	}
}

// add makes a stage of a span.
func (w *weaver) add(row int, parent string) *trace.StageTime {
	s := &w.spans[row]
	w.collect(row)
	st := trace.StageTime{
		Stage: w.name(s.name), Parent: parent,
		Scope: stages.ScopeRequest, BeginEdge: stages.Exact, EndEdge: stages.Exact, // unless the attributes say otherwise
	}
	if s.service != w.service && w.used != nil {
		st.Node = s.service
	}
	st.ID, _ = stages.ByName(st.Stage)
	readStageAttributes(&st, s.attrs)
	w.times(row, &st)
	w.t.Stages = append(w.t.Stages, st)
	return &w.t.Stages[len(w.t.Stages)-1]
}

// name numbers the later ones of spans with one name: a stage names its parent,
// and must not name another one.
func (w *weaver) name(name string) string {
	if w.used == nil {
		return name
	}
	for {
		w.used[name]++
		n := w.used[name]
		if n == 1 {
			return name
		}
		if numbered := name + "#" + strconv.Itoa(n); w.used[numbered] == 0 {
			w.used[numbered] = 1
			return numbered
		}
	}
}

// readStageAttributes is the reverse of stageAttributes.
func readStageAttributes(st *trace.StageTime, attrs []readAttr) {
	for _, a := range attrs {
		switch a.key {
		case attrScope:
			st.Scope = stages.Scope(a.ValidUTF8)
		case attrParent:
			st.Parent = a.ValidUTF8
		case attrBeginEdge:
			st.BeginEdge = stages.Edge(a.ValidUTF8)
		case attrEndEdge:
			st.EndEdge = stages.Edge(a.ValidUTF8)
		case attrSharedBy:
			st.SharedBy = count(a.ValidUTF8)
		case attrPart:
			st.Part = count(a.ValidUTF8)
		case attrCount:
			st.Count = count(a.ValidUTF8)
		case attrNode:
			st.Node = a.ValidUTF8
		case attrOpen:
			st.Open = a.ValidUTF8 == "true"
		default:
			if st.Attributes == nil {
				st.Attributes = make(map[string]string)
			}
			st.Attributes[a.key] = a.ValidUTF8
		}
	}
}

// count reads a number of things.
func count(text string) int { return int(min(max(0, number(text)), math.MaxInt32)) }

// times fills in the stage's begin and end, counted from the request's begin,
// and names what cannot be.
func (w *weaver) times(row int, st *trace.StageTime) {
	s := &w.spans[row]
	begin, end := s.begin, s.end
	if begin == 0 {
		w.found.add("begin", "%.80s has no begin", s.name)
		begin = w.start
	}
	if parent := w.parent[row]; parent >= 0 && s.begin != 0 && st.Scope == stages.ScopeRequest { // what is shared may be older
		if above := &w.spans[parent]; begin < above.begin {
			w.found.add("before", "%.80s begins %v before its parent %.80s",
				s.name, time.Duration(above.begin-begin), above.name)
		}
	}
	switch {
	case end == 0:
		st.Open, st.EndEdge = true, stages.Inferred
		end = max(begin, w.start+w.t.DurationNS)
	case end < begin:
		w.found.add("negative", "%.80s ends %v before it begins", s.name, time.Duration(begin-end))
		end = begin
	}
	st.BeginNS, st.EndNS = begin-w.start, end-w.start
}
