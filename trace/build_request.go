package trace

import (
	"net"
	"strconv"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
	"google.golang.org/grpc/codes"
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
	t.readAttributes(s.attrs)
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

// readAttributes is the reverse of rootAttributes.
func (t *Timeline) readAttributes(attrs []readAttr) {
	var service, peerHost, peerPort, localHost, localPort string
	for _, a := range attrs {
		switch a.key {
		case string(semconv.RPCSystemKey), string(semconv.NetworkTransportKey):
		case string(semconv.RPCServiceKey):
			service = a.text
		case string(semconv.RPCMethodKey):
			t.Method = a.text
		case attrMethod:
			t.Method, service = a.text, ""
		case string(semconv.RPCGRPCStatusCodeKey):
			t.Code = codeName(a.text)
		case attrCode:
			t.Code = a.text
		case attrMessage:
			t.Message = a.text
		case attrObserver:
			t.Observer = Observer(a.text)
		case attrBytesIn:
			t.BytesIn = number(a.text)
		case attrBytesOut:
			t.BytesOut = number(a.text)
		case attrConnID:
			t.Connection.ID = uint64(number(a.text))
		case attrConnReused:
			t.Connection.Reused = a.text == "true"
		case attrConnPeer:
			t.Connection.Peer = a.text
		case attrConnLocal:
			t.Connection.Local = a.text
		case string(semconv.NetworkPeerAddressKey):
			peerHost = a.text
		case string(semconv.NetworkPeerPortKey):
			peerPort = a.text
		case string(semconv.ServerAddressKey):
			localHost = a.text
		case string(semconv.ServerPortKey):
			localPort = a.text
		case attrNotReached:
			t.NotReached = readNotReached(a)
		case attrProblems:
			t.Problems = members(a)
		default:
			t.attribute(a)
		}
	}
	if service != "" {
		t.Method = "/" + service + "/" + t.Method
	}
	if peerPort != "" {
		t.Connection.Peer = net.JoinHostPort(peerHost, peerPort)
	}
	if localPort != "" {
		t.Connection.Local = net.JoinHostPort(localHost, localPort)
	}
}

func (t *Timeline) attribute(a readAttr) {
	if t.Attributes == nil {
		t.Attributes = make(map[string]string)
	}
	t.Attributes[a.key] = a.text
}

// codeName names the gRPC code with that number; what is no number is its own
// name.
func codeName(text string) string {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return text
	}
	return codes.Code(n).String()
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
