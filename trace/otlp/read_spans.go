package otlp

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// The parts of OTLP/JSON that are read. 64-bit integers stand in quotes there,
// and are accepted without them.

type otlpSpan struct {
	TraceID           string         `json:"traceId"`
	SpanID            string         `json:"spanId"`
	ParentSpanID      string         `json:"parentSpanId"`
	Flags             json.Number    `json:"flags"`
	Name              string         `json:"name"`
	Kind              kind           `json:"kind"`
	StartTimeUnixNano json.Number    `json:"startTimeUnixNano"`
	EndTimeUnixNano   json.Number    `json:"endTimeUnixNano"`
	Attributes        []otlpKeyValue `json:"attributes"`
	Links             []otlpLink     `json:"links"`
	Status            struct {
		Message string `json:"message"`
		Code    status `json:"code"`
	} `json:"status"`
}

type otlpLink struct {
	TraceID    string         `json:"traceId"`
	SpanID     string         `json:"spanId"`
	Attributes []otlpKeyValue `json:"attributes"`
}

type otlpKeyValue struct {
	Key   string    `json:"key"`
	Value otlpValue `json:"value"`
}

type otlpValue struct {
	StringValue *string         `json:"stringValue"`
	BoolValue   *bool           `json:"boolValue"`
	IntValue    json.Number     `json:"intValue"`
	DoubleValue json.RawMessage `json:"doubleValue"`
	ArrayValue  *otlpArray      `json:"arrayValue"`
	KvlistValue json.RawMessage `json:"kvlistValue"`
	BytesValue  *string         `json:"bytesValue"`
}

type otlpArray struct {
	Values []otlpScalar `json:"values"`
}

// otlpScalar is a member of an array; arrays within arrays are shown as they
// are written.
type otlpScalar struct {
	StringValue *string `json:"stringValue"`
	raw         string
}

// UnmarshalJSON keeps the text of whatever the member is.
func (s *otlpScalar) UnmarshalJSON(data []byte) error {
	type plain otlpScalar
	s.raw = string(data)
	return json.Unmarshal(data, (*plain)(s))
}

type otlpResource struct {
	Attributes []otlpKeyValue `json:"attributes"`
}

const serviceName = "service.name"

func (r *otlpResource) service() string {
	for i := range r.Attributes {
		if r.Attributes[i].Key == serviceName {
			text, _ := r.Attributes[i].Value.text()
			return text
		}
	}
	return ""
}

// kind reports whether a span's kind is client. It is a number, or a name.
type kind bool

// UnmarshalJSON accepts anything.
func (k *kind) UnmarshalJSON(data []byte) error {
	*k = kind(string(data) == "3" || strings.HasSuffix(string(data), `CLIENT"`))
	return nil
}

// status reports whether a span's status is an error.
type status bool

// UnmarshalJSON accepts anything.
func (s *status) UnmarshalJSON(data []byte) error {
	*s = status(string(data) == "2" || strings.HasSuffix(string(data), `ERROR"`))
	return nil
}

func (s *otlpSpan) span() readSpan {
	flags, _ := strconv.ParseUint(s.Flags.String(), 10, 32) // absent: nothing is known
	out := readSpan{
		trace: strings.ToLower(s.TraceID), id: strings.ToLower(s.SpanID), parent: parentOf(s.ParentSpanID),
		remote: uint32(flags)&flagsRemote&^flagsLocal != 0, name: s.Name, client: bool(s.Kind),
		begin: nanos(s.StartTimeUnixNano), end: nanos(s.EndTimeUnixNano),
		attrs: readAttrs(s.Attributes), failed: bool(s.Status.Code), message: s.Status.Message,
	}
	for i := range s.Links {
		l := &s.Links[i]
		out.links = append(out.links, readLink{strings.ToLower(l.TraceID), strings.ToLower(l.SpanID), readAttrs(l.Attributes)})
	}
	return out
}

// parentOf returns the ID of a parent, or "" for none, however none is written.
func parentOf(id string) string {
	if strings.Trim(id, "0") == "" {
		return ""
	}
	return strings.ToLower(id)
}

// nanos reads a time. What is no time after 1970 is zero, "none".
func nanos(n json.Number) int64 {
	t, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil {
		f, err := n.Float64() // 1.7e18, as programs write it that know no integers
		if err != nil || !(f < math.MaxInt64) {
			return 0
		}
		t = int64(f)
	}
	return max(0, t)
}

func readAttrs(in []otlpKeyValue) []readAttr {
	if len(in) == 0 {
		return nil
	}
	out := make([]readAttr, len(in))
	for i := range in {
		out[i].key = in[i].Key
		out[i].ValidUTF8, out[i].list = in[i].Value.text()
	}
	return out
}

// text writes the value for people; the members of an array also one by one.
func (v *otlpValue) text() (text string, list []string) {
	switch {
	case v.StringValue != nil:
		return *v.StringValue, nil
	case v.IntValue != "":
		return v.IntValue.String(), nil
	case v.BoolValue != nil:
		return strconv.FormatBool(*v.BoolValue), nil
	case v.ArrayValue != nil:
		for _, each := range v.ArrayValue.Values {
			if each.StringValue != nil {
				list = append(list, *each.StringValue)
			} else {
				list = append(list, each.raw)
			}
		}
		return strings.Join(list, ", "), list
	case v.DoubleValue != nil:
		return strings.Trim(string(v.DoubleValue), `"`), nil
	case v.BytesValue != nil:
		return *v.BytesValue, nil
	}
	return string(v.KvlistValue), nil
}

// stdoutSpan is what the SDK's stdout exporter writes of a span: the fields of a
// Go struct under their own names.
type stdoutSpan struct {
	Name        string
	SpanContext stdoutContext
	Parent      stdoutContext
	SpanKind    int
	StartTime   time.Time
	EndTime     time.Time
	Attributes  []stdoutKeyValue
	Links       []struct {
		SpanContext stdoutContext
		Attributes  []stdoutKeyValue
	}
	Status struct {
		Code        string
		Description string
	}
	Resource json.RawMessage // the same in each span of a program, so it is read once
}

type stdoutContext struct {
	TraceID string
	SpanID  string
	Remote  bool
}

type stdoutKeyValue struct {
	Key   string
	Value struct {
		Type  string
		Value json.RawMessage
	}
}

// startsStdoutSpan tells the two formats apart: the members of OTLP/JSON begin
// with small letters.
func startsStdoutSpan(data []byte) bool {
	data = []byte(strings.TrimLeft(string(data[:min(len(data), 64)]), "{ \t\r\n"))
	return len(data) > 1 && data[0] == '"' && data[1] >= 'A' && data[1] <= 'Z'
}

// stdoutClient is the SDK's number for a client's span.
const stdoutClient = 3

func (s *stdoutSpan) span() readSpan {
	out := readSpan{
		trace: s.SpanContext.TraceID, id: s.SpanContext.SpanID, parent: parentOf(s.Parent.SpanID), remote: s.Parent.Remote,
		name: s.Name, client: s.SpanKind == stdoutClient,
		begin: unixNano(s.StartTime), end: unixNano(s.EndTime),
		attrs: stdoutAttrs(s.Attributes), failed: s.Status.Code == "Error", message: s.Status.Description,
	}
	for _, l := range s.Links {
		out.links = append(out.links, readLink{l.SpanContext.TraceID, l.SpanContext.SpanID, stdoutAttrs(l.Attributes)})
	}
	return out
}

// serviceOf reads the service's name out of a resource.
func serviceOf(raw json.RawMessage) string {
	var resource []stdoutKeyValue
	if json.Unmarshal(raw, &resource) != nil {
		return "" // a resource that is no list of attributes names no service
	}
	for i := range resource {
		if resource[i].Key == serviceName {
			text, _ := resource[i].text()
			return text
		}
	}
	return ""
}

// unixNano is zero for what does not fit: times before 1970, which stand for
// none, and those after 2262.
func unixNano(t time.Time) int64 {
	if t.Year() < 1970 || t.Year() > 2261 {
		return 0
	}
	return max(0, t.UnixNano())
}

func stdoutAttrs(in []stdoutKeyValue) []readAttr {
	if len(in) == 0 {
		return nil
	}
	out := make([]readAttr, len(in))
	for i := range in {
		out[i].key = in[i].Key
		out[i].ValidUTF8, out[i].list = in[i].text()
	}
	return out
}

func (kv *stdoutKeyValue) text() (text string, list []string) {
	raw := kv.Value.Value
	if len(raw) == 0 {
		return "", nil
	}
	switch raw[0] {
	case '"':
		if json.Unmarshal(raw, &text) == nil {
			return text, nil
		}
	case '[':
		if json.Unmarshal(raw, &list) == nil {
			return strings.Join(list, ", "), list
		}
	}
	return string(raw), nil
}
