package otlp

import (
	"encoding/json"
	"net"
	"slices"
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
	"google.golang.org/grpc/codes"
)

// The keys of the root span's own attributes, beside those of the conventions
// and those in assemble.go.
const (
	attrObserver   = "glasskv.observer"
	attrMethod     = "glasskv.method" // only where service and method do not say it
	attrCode       = "glasskv.code"   // only where it is no code of gRPC's
	attrMessage    = "glasskv.message"
	attrBytesIn    = "glasskv.bytes_in"
	attrBytesOut   = "glasskv.bytes_out"
	attrConnID     = "glasskv.connection.id"
	attrConnReused = "glasskv.connection.reused"
	attrConnPeer   = "glasskv.connection.peer"  // only where it is no address and port
	attrConnLocal  = "glasskv.connection.local" // likewise
	attrNotReached = "glasskv.not_reached"      // "stage: why", each
	attrProblems   = "glasskv.problems"
	attrParts      = "glasskv.parts" // each as JSON, in the order of their numbers
)

// The conventions followed here are the last version that calls the system
// rpc.system; later ones renamed it, and what reads traces has not followed yet.
const schemaURL = semconv.SchemaURL

var rpcSystem = semconv.RPCSystemGRPC

// rootAttributes writes down all that the stages do not say, so that the
// timeline can be made again from the spans.
func (s *spanner) rootAttributes(sp *span, t *trace.Timeline) {
	from := len(s.attrs)
	if isRPC(t) {
		s.attrs = append(s.attrs, rpcSystem)
	}
	s.str(attrObserver, string(t.Observer))
	if service, method, ok := splitMethod(t.Method); ok {
		s.str(string(semconv.RPCServiceKey), service)
		s.str(string(semconv.RPCMethodKey), method)
	} else {
		s.str(attrMethod, t.Method)
	}
	s.outcome(sp, t)
	s.connection(t)
	s.int(attrBytesIn, t.BytesIn)
	s.int(attrBytesOut, t.BytesOut)
	s.attrs = append(s.attrs, notReached(t.NotReached)...)
	if len(t.Problems) > 0 {
		problems := make([]string, len(t.Problems))
		for i, p := range t.Problems {
			problems[i] = trace.ValidUTF8(p)
		}
		s.attrs = append(s.attrs, attribute.StringSlice(attrProblems, problems))
	}
	if len(t.Parts) > 0 {
		parts := make([]string, len(t.Parts))
		for i := range t.Parts {
			parts[i] = partJSON(&t.Parts[i])
		}
		s.attrs = append(s.attrs, attribute.StringSlice(attrParts, parts))
	}
	s.request(t.Attributes)
	sp.attrs = s.since(from)
}

// isRPC tells a gRPC request from one that came as HTTP/1, and from what is none.
func isRPC(t *trace.Timeline) bool {
	return t.Attributes[trace.AttrHTTPStatus] == "" && t.Attributes[trace.AttrFailedConn] == ""
}

// splitMethod takes "/service/method" apart. It is not ok when the parts do not
// make the same name again.
func splitMethod(full string) (service, method string, ok bool) {
	if !strings.HasPrefix(full, "/") {
		return "", "", false
	}
	service, method, ok = strings.Cut(full[1:], "/")
	return service, method, ok && service != "" && method != "" && !strings.Contains(method, "/")
}

func (s *spanner) outcome(sp *span, t *trace.Timeline) {
	if t.Message != "" {
		s.str(attrMessage, t.Message)
	}
	if t.Code == "" {
		if t.Attributes[trace.AttrFailedConn] != "" {
			sp.status, sp.message = otelcodes.Error, trace.ValidUTF8(t.Message)
		}
		return
	}
	code, ok := codeOf(t.Code)
	if !ok {
		s.str(attrCode, t.Code)
		if status := t.Attributes[trace.AttrHTTPStatus]; status >= "500" {
			sp.status, sp.message = otelcodes.Error, trace.ValidUTF8(t.Message)
		}
		return
	}
	s.int(string(semconv.RPCGRPCStatusCodeKey), int64(code))
	if isError(code, t.Observer) {
		sp.status, sp.message = otelcodes.Error, trace.ValidUTF8(t.Message)
	}
}

// isError follows the conventions: for a client every code but OK is an error,
// for a server only those that are its own fault.
func isError(code codes.Code, observer trace.Observer) bool {
	if observer == trace.ObserverClient {
		return code != codes.OK
	}
	switch code {
	case codes.Unknown, codes.DeadlineExceeded, codes.Unimplemented, codes.Internal, codes.Unavailable, codes.DataLoss:
		return true
	}
	return false
}

var codeByName = func() map[string]codes.Code {
	all := make(map[string]codes.Code, 17)
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		all[c.String()] = c
	}
	return all
}()

// codeOf reads a code's name as codes.Code writes it, "Code(99)" included.
func codeOf(name string) (codes.Code, bool) {
	if c, ok := codeByName[name]; ok {
		return c, true
	}
	var digits string
	if n := len(name); n > 6 && name[:5] == "Code(" && name[n-1] == ')' {
		digits = name[5 : n-1]
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil || codes.Code(n).String() != name {
		return 0, false
	}
	return codes.Code(n), true
}

func (s *spanner) connection(t *trace.Timeline) {
	c := &t.Connection
	if *c == (trace.Connection{}) {
		return
	}
	s.int(attrConnID, int64(c.ID))
	s.attrs = append(s.attrs, attribute.Bool(attrConnReused, c.Reused))
	if s.address(c.Peer, semconv.NetworkPeerAddressKey, semconv.NetworkPeerPortKey) {
		s.attrs = append(s.attrs, semconv.NetworkTransportTCP)
	} else {
		s.str(attrConnPeer, c.Peer)
	}
	if !s.address(c.Local, semconv.ServerAddressKey, semconv.ServerPortKey) {
		s.str(attrConnLocal, c.Local)
	}
}

// address writes "host:port" as the conventions do, in two attributes. It
// reports false when the two would not make the same text again.
func (s *spanner) address(whole string, host, port attribute.Key) bool {
	if whole == "" {
		return true
	}
	h, p, err := net.SplitHostPort(whole)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(p, 10, 16)
	if err != nil || net.JoinHostPort(h, strconv.FormatUint(n, 10)) != whole {
		return false
	}
	s.attrs = append(s.attrs, host.String(trace.ValidUTF8(h)), port.Int64(int64(n)))
	return true
}

// request writes the attributes of the whole request. Those that are numbers
// go out as numbers.
func (s *spanner) request(attrs map[string]string) {
	written := 0
	for _, key := range [...]string{trace.AttrKeySize, trace.AttrValueSize, trace.AttrRevision, trace.AttrBehind} {
		value, ok := attrs[key]
		if !ok {
			continue
		}
		written++
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && strconv.FormatInt(n, 10) == value {
			s.int(key, n)
		} else {
			s.str(key, value)
		}
	}
	if key, ok := attrs[trace.AttrKey]; ok {
		written++
		s.str(trace.AttrKey, key)
	}
	if written == len(attrs) {
		return
	}
	rest := make(map[string]string, len(attrs))
	for key, value := range attrs {
		switch key {
		case trace.AttrKey, trace.AttrKeySize, trace.AttrValueSize, trace.AttrRevision, trace.AttrBehind:
		default:
			rest[key] = value
		}
	}
	s.more(rest)
}

// notReached writes what did not happen. Nearly every request says one of two
// things here, so those are made once.
func notReached(list []trace.NotReached) []attribute.KeyValue {
	switch {
	case len(list) == 0:
		return nil
	case slices.Equal(list, reusedNotReached):
		return reusedAttribute
	}
	return notReachedAttribute(list)
}

var (
	reusedNotReached = []trace.NotReached{
		{Stage: stages.NetAccept.String(), Why: trace.WhyReused}, {Stage: stages.HandleRawConn.String(), Why: trace.WhyReused}, {Stage: stages.ServeStreams.String(), Why: trace.WhyReused},
	}
	reusedAttribute = notReachedAttribute(reusedNotReached)
)

func notReachedAttribute(list []trace.NotReached) []attribute.KeyValue {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = trace.ValidUTF8(n.Stage + ": " + n.Why)
	}
	return []attribute.KeyValue{attribute.StringSlice(attrNotReached, texts)}
}

// partJSON writes a part as a root span's attribute holds it.
func partJSON(p *trace.Part) string {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // it has nothing but texts and numbers
	}
	return string(b)
}

func readPart(written string) (p trace.Part, err error) {
	err = json.Unmarshal([]byte(written), &p)
	return p, err
}
