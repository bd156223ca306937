package otlp

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"

	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
)

// isRequest reports whether the span is the root that GlassKV makes of a request.
func (b *builder) isRequest(row int) bool {
	_, ok := find(b.spans[row].attrs, attrObserver)
	return ok
}

// request makes a request's timeline again out of its root, the stages below it,
// and what it links to.
func (b *builder) request(root int) *trace.Timeline {
	s := &b.spans[root]
	t := &trace.Timeline{
		TraceID: s.trace, SpanID: s.id, ParentID: s.parent, Message: s.message,
		Start: time.Unix(0, s.begin).UTC(), DurationNS: max(0, s.end-s.begin), Stages: []trace.StageTime{},
	}
	readRootAttributes(t, s.attrs)
	w := b.weave(t)
	w.collect(root)
	if s.end < s.begin {
		w.found.add("negative", "%.80s ends %v before it begins", s.name, time.Duration(s.begin-s.end))
	}
	w.descend(root, "")
	w.join(root)
	trace.SortStages(t.Stages)
	t.Problems = append(t.Problems, w.found.list()...)
	trace.FillLedger(t)
	return t
}

// rootReader takes a root's attributes apart. Those that come in pieces are put
// together when all have been seen.
type rootReader struct {
	t                   *trace.Timeline
	service             string
	peerHost, peerPort  string
	localHost, bindPort string
}

// rootReaders is the reverse of rootAttributes. What it does not list is an
// attribute of the timeline.
var rootReaders = map[string]func(r *rootReader, a readAttr){
	string(semconv.RPCSystemKey):          func(*rootReader, readAttr) {}, // always the same
	string(semconv.NetworkTransportKey):   func(*rootReader, readAttr) {}, // likewise
	string(semconv.RPCServiceKey):         func(r *rootReader, a readAttr) { r.service = a.ValidUTF8 },
	string(semconv.RPCMethodKey):          func(r *rootReader, a readAttr) { r.t.Method = a.ValidUTF8 },
	string(semconv.RPCGRPCStatusCodeKey):  func(r *rootReader, a readAttr) { r.t.Code = codeNameOf(a.ValidUTF8) },
	string(semconv.NetworkPeerAddressKey): func(r *rootReader, a readAttr) { r.peerHost = a.ValidUTF8 },
	string(semconv.NetworkPeerPortKey):    func(r *rootReader, a readAttr) { r.peerPort = a.ValidUTF8 },
	string(semconv.ServerAddressKey):      func(r *rootReader, a readAttr) { r.localHost = a.ValidUTF8 },
	string(semconv.ServerPortKey):         func(r *rootReader, a readAttr) { r.bindPort = a.ValidUTF8 },
	attrMethod:                            func(r *rootReader, a readAttr) { r.t.Method = a.ValidUTF8 },
	attrCode:                              func(r *rootReader, a readAttr) { r.t.Code = a.ValidUTF8 },
	attrMessage:                           func(r *rootReader, a readAttr) { r.t.Message = a.ValidUTF8 },
	attrObserver:                          func(r *rootReader, a readAttr) { r.t.Observer = trace.Observer(a.ValidUTF8) },
	attrBytesIn:                           func(r *rootReader, a readAttr) { r.t.BytesIn = number(a.ValidUTF8) },
	attrBytesOut:                          func(r *rootReader, a readAttr) { r.t.BytesOut = number(a.ValidUTF8) },
	attrConnID:                            func(r *rootReader, a readAttr) { r.t.Connection.ID = uint64(number(a.ValidUTF8)) },
	attrConnReused:                        func(r *rootReader, a readAttr) { r.t.Connection.Reused = a.ValidUTF8 == "true" },
	attrConnPeer:                          func(r *rootReader, a readAttr) { r.t.Connection.Peer = a.ValidUTF8 },
	attrConnLocal:                         func(r *rootReader, a readAttr) { r.t.Connection.Local = a.ValidUTF8 },
	attrNotReached:                        func(r *rootReader, a readAttr) { r.t.NotReached = readNotReached(a) },
	attrProblems:                          func(r *rootReader, a readAttr) { r.t.Problems = members(a) },
	attrParts:                             func(r *rootReader, a readAttr) { readParts(r.t, a) },
}

func readRootAttributes(t *trace.Timeline, attrs []readAttr) {
	r := &rootReader{t: t}
	for _, a := range attrs {
		if read := rootReaders[a.key]; read != nil {
			read(r, a)
		} else {
			setAttribute(t, a)
		}
	}
	if r.service != "" {
		t.Method = "/" + r.service + "/" + t.Method
	}
	if r.peerPort != "" {
		t.Connection.Peer = net.JoinHostPort(r.peerHost, r.peerPort)
	}
	if r.bindPort != "" {
		t.Connection.Local = net.JoinHostPort(r.localHost, r.bindPort)
	}
}

// readParts reads what the request is made of. What is no part is left out, and
// named.
func readParts(t *trace.Timeline, a readAttr) {
	for _, written := range members(a) {
		part, err := readPart(written)
		if err != nil {
			t.Problems = append(t.Problems, fmt.Sprintf("a part of it is unreadable: %.80v", err))
		}
		t.Parts = append(t.Parts, part)
	}
}

func setAttribute(t *trace.Timeline, a readAttr) {
	if t.Attributes == nil {
		t.Attributes = make(map[string]string)
	}
	t.Attributes[a.key] = a.ValidUTF8
}

// codeNameOf returns the name of the gRPC code with that number, or text itself
// when it is not a number.
func codeNameOf(text string) string {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return text
	}
	return trace.CodeName(uint32(n))
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // what is no number counts nothing
	return n
}

// members returns the members of a list; of one that is written as a single
// text, that.
func members(a readAttr) []string {
	if a.list == nil && a.ValidUTF8 != "" {
		return []string{a.ValidUTF8}
	}
	return a.list
}

func readNotReached(a readAttr) (list []trace.NotReached) {
	for _, text := range members(a) {
		stage, why, _ := strings.Cut(text, ": ")
		list = append(list, trace.NotReached{Stage: stage, Why: why})
	}
	return list
}

// foreign makes a timeline of another program's trace: the root and all below it
// become stages by their names.
func (b *builder) foreign(root int) *trace.Timeline {
	s := &b.spans[root]
	begin, end := b.extent(root)
	t := &trace.Timeline{
		TraceID: s.trace, SpanID: s.id, ParentID: s.parent, Method: s.name, Observer: trace.ObserverServer,
		Start: time.Unix(0, begin).UTC(), DurationNS: max(0, end-begin), Message: s.message,
	}
	if s.client {
		t.Observer = trace.ObserverClient
	}
	for _, a := range s.attrs {
		if a.key == string(semconv.RPCGRPCStatusCodeKey) {
			t.Code = codeNameOf(a.ValidUTF8)
		} else {
			setAttribute(t, a)
		}
	}
	w := b.weave(t)
	w.used, w.service = make(map[string]int), s.service
	first := w.add(root, "")
	first.Attributes = nil // they stand with the timeline
	w.descend(root, first.Stage)
	t.Problems = w.found.list()
	trace.FillLedger(t)
	return t
}

// extent returns a root's begin and end. Where it has none, those of its
// children stand in.
func (b *builder) extent(root int) (begin, end int64) {
	s := &b.spans[root]
	begin, end = s.begin, s.end
	for _, kid := range b.children(root) {
		k := &b.spans[kid]
		if s.begin == 0 && k.begin > 0 && (begin == 0 || k.begin < begin) {
			begin = k.begin
		}
		if s.end == 0 {
			end = max(end, k.begin, k.end)
		}
	}
	return begin, end
}

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

// maxShared bounds the stages that links bring into one timeline. A request and
// its parts have ten each at most; a file that says otherwise could repeat all of
// itself in each.
const maxShared = 8 * trace.MaxEmbedded

// join adds the stages that stand in the trace of a batch, or of the connection
// that the request opened.
func (w *weaver) join(root int) {
	w.room = maxShared
	for _, link := range w.spans[root].links {
		what, ok := find(link.attrs, attrLink)
		if !ok {
			continue // of another program's making
		}
		row, found := w.index[spanKey{link.trace, link.id}]
		if found {
			w.linked[w.top(row)] = true
		}
		if w.room--; w.room < 0 {
			w.found.add("links", "it links to more than requests share: what is beyond %d stages is left out", maxShared)
			return
		}
		part := 0
		if number, ok := find(link.attrs, attrPart); ok {
			part = count(number.ValidUTF8)
		}
		switch {
		case what.ValidUTF8 == linkConnection && w.part(part).Connection.Reused:
			// its stages belong to the request that opened it
		case !found:
			w.found.add("link", "%.80s, which others share, is not in the file", what.ValidUTF8)
		case what.ValidUTF8 == linkConnection:
			w.joinConnection(row, part)
		default:
			w.joinBatch(row, link, part)
		}
	}
}

// top returns the root above a row.
func (b *builder) top(row int) int {
	for b.parent[row] >= 0 {
		row = b.parent[row]
	}
	return row
}

// part returns the part with that number; for 0, and for one that is not there,
// the request as a whole.
func (w *weaver) part(number int) *trace.Part {
	if number > 0 && number <= len(w.t.Parts) {
		return &w.t.Parts[number-1]
	}
	return &trace.Part{EndNS: w.t.DurationNS, Connection: w.t.Connection}
}

func (w *weaver) joinConnection(row, part int) {
	from := len(w.t.Stages)
	w.descend(row, "")
	of := w.part(part)
	for i := from; i < len(w.t.Stages); i++ {
		st := &w.t.Stages[i]
		if st.Open { // it was exported with another request, which ended at another time
			st.EndNS = max(st.BeginNS, of.EndNS)
		}
		st.Part = part
		if st.Parent == "" {
			st.Parent = of.Under
		}
	}
}

// joinBatch adds a batch's stage and what is inside it. How many shared it, and
// what it was inside of, the link knows as the request saw it.
func (w *weaver) joinBatch(row int, link readLink, part int) {
	from := len(w.t.Stages)
	name := w.add(row, "").Stage
	w.descend(row, name)
	if parent, ok := find(link.attrs, attrParent); ok {
		w.t.Stages[from].Parent = parent.ValidUTF8
	}
	shared, ok := find(link.attrs, attrSharedBy)
	for i := from; i < len(w.t.Stages); i++ {
		w.t.Stages[i].Part = part
		if ok {
			w.t.Stages[i].SharedBy = count(shared.ValidUTF8)
		}
	}
}
