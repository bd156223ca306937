package otlp

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.38.0"
)

// otlpSpan is a span in OTLP/JSON. Integers of 64 bits are in quotes there; json.Number
// accepts them with and without.
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

// otlpScalar is an element of an array. An array within an array is kept as JSON.
type otlpScalar struct {
	StringValue *string `json:"stringValue"`
	raw         string
}

// UnmarshalJSON keeps the JSON of an element of any type.
func (s *otlpScalar) UnmarshalJSON(data []byte) error {
	type plain otlpScalar
	s.raw = string(data)
	return json.Unmarshal(data, (*plain)(s))
}

type otlpResource struct {
	Attributes []otlpKeyValue `json:"attributes"`
}

const serviceNameKey = string(semconv.ServiceNameKey)

func (r *otlpResource) service() string {
	for i := range r.Attributes {
		if r.Attributes[i].Key == serviceNameKey {
			text, _ := r.Attributes[i].Value.text()
			return text
		}
	}
	return ""
}

// kind is true if a span's kind is client. Programs write it as a number or as a name.
type kind bool

// UnmarshalJSON accepts anything.
func (k *kind) UnmarshalJSON(data []byte) error {
	*k = kind(string(data) == "3" || strings.HasSuffix(string(data), `CLIENT"`))
	return nil
}

// status is true if a span's status is an error, written as a number or as a name.
type status bool

// UnmarshalJSON accepts anything.
func (s *status) UnmarshalJSON(data []byte) error {
	*s = status(string(data) == "2" || strings.HasSuffix(string(data), `ERROR"`))
	return nil
}

func (s *otlpSpan) span() readSpan {
	flags, _ := strconv.ParseUint(s.Flags.String(), 10, 32) // 0, not known, if absent
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

// parentOf returns the ID of a parent, or "" for an ID that is empty or all zeros.
func parentOf(id string) string {
	if strings.Trim(id, "0") == "" {
		return ""
	}
	return strings.ToLower(id)
}

// nanos returns a time in nanoseconds since 1970, or 0 if n is not such a time.
func nanos(n json.Number) int64 {
	t, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil {
		f, err := n.Float64() // some programs write 1.7e18
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
		out[i].text, out[i].list = in[i].Value.text()
	}
	return out
}

// text returns the value for people to read, and also the elements if it is an array.
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

// stdoutSpan is a span as the SDK's stdout exporter writes it: a Go struct, with the
// fields' own names.
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
	Resource json.RawMessage // decoded only when it changes, see loader
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

// startsStdoutSpan reports whether data begins with an object whose first member's name
// begins with a capital letter. In OTLP/JSON they begin with small letters.
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

// serviceOf returns the name of the service in a resource, or "".
func serviceOf(raw json.RawMessage) string {
	var resource []stdoutKeyValue
	if json.Unmarshal(raw, &resource) != nil {
		return "" // it is not a list of attributes
	}
	for i := range resource {
		if resource[i].Key == serviceNameKey {
			text, _ := resource[i].text()
			return text
		}
	}
	return ""
}

// unixNano returns nanoseconds since 1970, or 0 if t does not fit: the zero time, which
// stands for no time, and times before 1970 or after 2261.
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
		out[i].text, out[i].list = in[i].text()
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
