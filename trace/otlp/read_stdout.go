package otlp

import (
	"encoding/json"
	"strings"
	"time"
)

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
