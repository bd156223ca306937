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

// request returns the timeline of one of GlassKV's requests, from its root, the spans
// below the root, and the spans to which the root has links.
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
		w.problems.add("negative", "%.80s ends %v before it begins", s.name, time.Duration(s.begin-s.end))
	}
	w.descend(root, "")
	w.join(root)
	trace.SortStages(t.Stages)
	t.Problems = append(t.Problems, w.problems.list()...)
	trace.FillLedger(t)
	return t
}

// rootReader reads the attributes of a root. It keeps those that are only a part of a
// field until all have been read.
type rootReader struct {
	t                   *trace.Timeline
	service             string
	peerHost, peerPort  string
	localHost, bindPort string
}

// rootReaders is the reverse of rootAttributes. Other attributes are the timeline's own.
var rootReaders = map[string]func(r *rootReader, a readAttr){
	string(semconv.RPCSystemKey):          func(*rootReader, readAttr) {}, // always the same
	string(semconv.NetworkTransportKey):   func(*rootReader, readAttr) {}, // likewise
	string(semconv.RPCServiceKey):         func(r *rootReader, a readAttr) { r.service = a.text },
	string(semconv.RPCMethodKey):          func(r *rootReader, a readAttr) { r.t.Method = a.text },
	string(semconv.RPCGRPCStatusCodeKey):  func(r *rootReader, a readAttr) { r.t.Code = codeNameOf(a.text) },
	string(semconv.NetworkPeerAddressKey): func(r *rootReader, a readAttr) { r.peerHost = a.text },
	string(semconv.NetworkPeerPortKey):    func(r *rootReader, a readAttr) { r.peerPort = a.text },
	string(semconv.ServerAddressKey):      func(r *rootReader, a readAttr) { r.localHost = a.text },
	string(semconv.ServerPortKey):         func(r *rootReader, a readAttr) { r.bindPort = a.text },
	attrMethod:                            func(r *rootReader, a readAttr) { r.t.Method = a.text },
	attrCode:                              func(r *rootReader, a readAttr) { r.t.Code = a.text },
	attrMessage:                           func(r *rootReader, a readAttr) { r.t.Message = a.text },
	attrObserver:                          func(r *rootReader, a readAttr) { r.t.Observer = trace.Observer(a.text) },
	attrBytesIn:                           func(r *rootReader, a readAttr) { r.t.BytesIn = number(a.text) },
	attrBytesOut:                          func(r *rootReader, a readAttr) { r.t.BytesOut = number(a.text) },
	attrConnID:                            func(r *rootReader, a readAttr) { r.t.Connection.ID = uint64(number(a.text)) },
	attrConnReused:                        func(r *rootReader, a readAttr) { r.t.Connection.Reused = a.text == "true" },
	attrConnPeer:                          func(r *rootReader, a readAttr) { r.t.Connection.Peer = a.text },
	attrConnLocal:                         func(r *rootReader, a readAttr) { r.t.Connection.Local = a.text },
	attrNotReached:                        func(r *rootReader, a readAttr) { r.t.NotReached = readNotReached(a) },
	attrProblems:                          func(r *rootReader, a readAttr) { r.t.Problems = elements(a) },
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

// readParts reads the parts of the request. A part that cannot be read counts too, since
// the numbers of the others must not change, and is added to the problems.
func readParts(t *trace.Timeline, a readAttr) {
	for _, written := range elements(a) {
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
	t.Attributes[a.key] = a.text
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
	n, _ := strconv.ParseInt(text, 10, 64) // 0 if it is not a number
	return n
}

// elements returns the elements of an array. Of a single text it returns the text.
func elements(a readAttr) []string {
	if a.list == nil && a.text != "" {
		return []string{a.text}
	}
	return a.list
}

func readNotReached(a readAttr) (list []trace.NotReached) {
	for _, text := range elements(a) {
		stage, why, _ := strings.Cut(text, ": ")
		list = append(list, trace.NotReached{Stage: stage, Why: why})
	}
	return list
}

// foreign returns the timeline of another program's trace. The root and all spans below
// it become stages with the spans' names.
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
			t.Code = codeNameOf(a.text)
		} else {
			setAttribute(t, a)
		}
	}
	w := b.weave(t)
	w.used, w.service = make(map[string]int), s.service
	first := w.add(root, "")
	first.Attributes = nil // the timeline has them
	w.descend(root, first.Stage)
	t.Problems = w.problems.list()
	trace.FillLedger(t)
	return t
}

// extent returns a root's begin and end. If the root lacks one, it is taken from the
// root's children.
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

// weaver adds spans to one timeline as stages.
type weaver struct {
	*builder
	t        *trace.Timeline
	start    int64 // the timeline's start, in nanoseconds since 1970
	problems problems
	room     int // how many stages may still be added

	// For another program's trace:
	used    map[string]int // how many stages have each name; nil for GlassKV's, whose names need not be unique
	service string         // the root's; spans of other services are on other nodes
}

func (b *builder) weave(t *trace.Timeline) *weaver {
	return &weaver{builder: b, t: t, start: t.Start.UnixNano(), room: len(b.spans)}
}

// collect adds the problems of a row to the timeline's.
func (w *weaver) collect(row int) {
	found := w.found[row]
	if found == nil {
		return
	}
	for _, kind := range found.kinds {
		for _, text := range found.byKey[kind].texts {
			w.problems.add(kind, "%s", text)
		}
	}
}

// descend adds the spans below a row, parents before their children. name is the name of
// the row's stage. It is not recursive, since a file can contain a chain of a million
// spans.
func (w *weaver) descend(from int, name string) {
	type level struct {
		name string
		left []int
	}
	for path := []level{{name, w.children(from)}}; len(path) > 0; {
		at := &path[len(path)-1]
		if len(at.left) == 0 {
			path = path[:len(path)-1]
			continue
		}
		if w.room--; w.room < 0 {
			return
		}
		row := at.left[0]
		at.left = at.left[1:]
		st := w.add(row, at.name)
		if kids := w.children(row); len(kids) > 0 {
			path = append(path, level{st.Stage, kids})
		}
	}
}

// add adds a row's span as a stage below parent. The pointer is valid until the next
// call.
func (w *weaver) add(row int, parent string) *trace.StageTime {
	s := &w.spans[row]
	w.collect(row)
	st := trace.StageTime{
		Stage: w.uniqueName(s.name), Parent: parent,
		Scope: stages.ScopeRequest, BeginEdge: stages.Exact, EndEdge: stages.Exact, // the attributes may override these
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

// uniqueName appends a number to a name that another stage of a foreign trace has. Stages
// refer to their parents by name.
func (w *weaver) uniqueName(name string) string {
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
			st.Scope = stages.Scope(a.text)
		case attrParent:
			st.Parent = a.text
		case attrBeginEdge:
			st.BeginEdge = stages.Edge(a.text)
		case attrEndEdge:
			st.EndEdge = stages.Edge(a.text)
		case attrSharedBy:
			st.SharedBy = count(a.text)
		case attrPart:
			st.Part = count(a.text)
		case attrCount:
			st.Count = count(a.text)
		case attrNode:
			st.Node = a.text
		case attrOpen:
			st.Open = a.text == "true"
		default:
			if st.Attributes == nil {
				st.Attributes = make(map[string]string)
			}
			st.Attributes[a.key] = a.text
		}
	}
}

// count returns a number of things, within the bounds of an int32.
func count(text string) int { return int(min(max(0, number(text)), math.MaxInt32)) }

// times sets the stage's begin and end, counted from the timeline's start. Times that
// are absent or contradict each other are replaced, and added to the problems.
func (w *weaver) times(row int, st *trace.StageTime) {
	s := &w.spans[row]
	begin, end := s.begin, s.end
	if begin == 0 {
		w.problems.add("begin", "%.80s has no begin", s.name)
		begin = w.start
	}
	if parent := w.parent[row]; parent >= 0 && s.begin != 0 && st.Scope == stages.ScopeRequest { // shared work may have begun earlier
		if above := &w.spans[parent]; begin < above.begin {
			w.problems.add("before", "%.80s begins %v before its parent %.80s",
				s.name, time.Duration(above.begin-begin), above.name)
		}
	}
	switch {
	case end == 0:
		st.Open, st.EndEdge = true, stages.Inferred
		end = max(begin, w.start+w.t.DurationNS)
	case end < begin:
		w.problems.add("negative", "%.80s ends %v before it begins", s.name, time.Duration(begin-end))
		end = begin
	}
	st.BeginNS, st.EndNS = begin-w.start, end-w.start
}

// maxShared bounds how many stages join adds to one timeline. A request and its parts
// have at most ten each. Without the bound, a file whose requests all have links to all
// its spans would need memory that grows with the square of its size.
const maxShared = 8 * trace.MaxEmbedded

// join adds the stages in the traces to which the root has links: those of batches, and
// of the connection if the request opened it.
func (w *weaver) join(root int) {
	w.room = maxShared
	for _, link := range w.spans[root].links {
		what, ok := find(link.attrs, attrLink)
		if !ok {
			continue // another program's link
		}
		row, found := w.index[spanKey{link.trace, link.id}]
		if found {
			w.linked[w.top(row)] = true
		}
		if w.room--; w.room < 0 {
			w.problems.add("links", "it links to more than requests share: what is beyond %d stages is left out", maxShared)
			return
		}
		part := 0
		if number, ok := find(link.attrs, attrPart); ok {
			part = count(number.text)
		}
		switch {
		case what.text == linkConnection && w.part(part).Connection.Reused:
			// the connection's stages are shown with the request that opened it
		case !found:
			w.problems.add("link", "%.80s, which others share, is not in the file", what.text)
		case what.text == linkConnection:
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

// part returns the part with that number. For 0 and for a part that does not exist it
// returns a part that stands for the whole request.
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
		if st.Open { // the end in the file is that of the export
			st.EndNS = max(st.BeginNS, of.EndNS)
		}
		st.Part = part
		if st.Parent == "" {
			st.Parent = of.Under
		}
	}
}

// joinBatch adds a batch's stage and the stages below it. Their parent and the number of
// requests that shared them, as this request saw them, are attributes of the link.
func (w *weaver) joinBatch(row int, link readLink, part int) {
	from := len(w.t.Stages)
	name := w.add(row, "").Stage
	w.descend(row, name)
	if parent, ok := find(link.attrs, attrParent); ok {
		w.t.Stages[from].Parent = parent.text
	}
	shared, ok := find(link.attrs, attrSharedBy)
	for i := from; i < len(w.t.Stages); i++ {
		w.t.Stages[i].Part = part
		if ok {
			w.t.Stages[i].SharedBy = count(shared.text)
		}
	}
}
