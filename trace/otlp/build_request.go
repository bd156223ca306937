package otlp

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"glasskv/trace"

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
