package trace

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
)

// isRequest reports whether the span is the root that GlassKV makes of a request.
func (b *builder) isRequest(row int) bool {
	_, ok := find(b.spans[row].attrs, attrObserver)
	return ok
}

// request makes a request's timeline again out of its root, the stages below it,
// and what it links to.
func (b *builder) request(root int) *Timeline {
	s := &b.spans[root]
	t := &Timeline{
		TraceID: s.trace, SpanID: s.id, ParentID: s.parent, Message: s.message,
		Start: time.Unix(0, s.begin).UTC(), DurationNS: max(0, s.end-s.begin), Stages: []StageTime{},
	}
	readRootAttributes(t, s.attrs)
	w := b.weave(t)
	w.collect(root)
	if s.end < s.begin {
		w.found.add("negative", "%.80s ends %v before it begins", s.name, time.Duration(s.begin-s.end))
	}
	w.descend(root, "")
	w.join(root)
	sortStages(t.Stages)
	t.Problems = append(t.Problems, w.found.list()...)
	FillLedger(t)
	return t
}

// rootReader takes a root's attributes apart. Those that come in pieces are put
// together when all have been seen.
type rootReader struct {
	t                   *Timeline
	service             string
	peerHost, peerPort  string
	localHost, bindPort string
}

// rootReaders is the reverse of rootAttributes. What it does not list is an
// attribute of the timeline.
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
	attrObserver:                          func(r *rootReader, a readAttr) { r.t.Observer = Observer(a.text) },
	attrBytesIn:                           func(r *rootReader, a readAttr) { r.t.BytesIn = number(a.text) },
	attrBytesOut:                          func(r *rootReader, a readAttr) { r.t.BytesOut = number(a.text) },
	attrConnID:                            func(r *rootReader, a readAttr) { r.t.Connection.ID = uint64(number(a.text)) },
	attrConnReused:                        func(r *rootReader, a readAttr) { r.t.Connection.Reused = a.text == "true" },
	attrConnPeer:                          func(r *rootReader, a readAttr) { r.t.Connection.Peer = a.text },
	attrConnLocal:                         func(r *rootReader, a readAttr) { r.t.Connection.Local = a.text },
	attrNotReached:                        func(r *rootReader, a readAttr) { r.t.NotReached = readNotReached(a) },
	attrProblems:                          func(r *rootReader, a readAttr) { r.t.Problems = members(a) },
	attrParts:                             func(r *rootReader, a readAttr) { readParts(r.t, a) },
}

func readRootAttributes(t *Timeline, attrs []readAttr) {
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
func readParts(t *Timeline, a readAttr) {
	for _, written := range members(a) {
		part, err := readPart(written)
		if err != nil {
			t.Problems = append(t.Problems, fmt.Sprintf("a part of it is unreadable: %.80v", err))
		}
		t.Parts = append(t.Parts, part)
	}
}

func setAttribute(t *Timeline, a readAttr) {
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
	return codeName(uint32(n))
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // what is no number counts nothing
	return n
}

// members returns the members of a list; of one that is written as a single
// text, that.
func members(a readAttr) []string {
	if a.list == nil && a.text != "" {
		return []string{a.text}
	}
	return a.list
}

func readNotReached(a readAttr) (list []NotReached) {
	for _, text := range members(a) {
		stage, why, _ := strings.Cut(text, ": ")
		list = append(list, NotReached{stage, why})
	}
	return list
}
