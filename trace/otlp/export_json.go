package otlp

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"

	"glasskv/trace"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// OTLP/JSON is protobuf's JSON with two exceptions that its general encoders do
// not know: IDs are hexadecimal and enumerations are numbers. 64-bit integers
// are text.

// appendRequestJSON appends the spans as one export request.
func appendRequestJSON(b []byte, from *provenance, spans []span) []byte {
	b = append(b, `{"resourceSpans":[{"resource":{`...)
	b = appendAttributesJSON(b, from.resource.Attributes())
	b = append(b, `},"scopeSpans":[{"scope":{"name":`...)
	b = appendTextJSON(b, from.scope.Name)
	if from.scope.Version != "" {
		b = append(b, `,"version":`...)
		b = appendTextJSON(b, from.scope.Version)
	}
	b = append(b, `},"spans":[`...)
	for i := range spans {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSpanJSON(b, &spans[i])
	}
	b = append(b, `],"schemaUrl":`...)
	b = appendTextJSON(b, from.scope.SchemaURL)
	return append(b, `}]}]}`...)
}

func appendSpanJSON(b []byte, s *span) []byte {
	b = appendIDsJSON(b, s.trace, s.id)
	if s.parent != 0 {
		id := trace.SpanIDBytes(s.parent)
		b = append(b, `,"parentSpanId":"`...)
		b = append(hex.AppendEncode(b, id[:]), '"')
	}
	b = append(b, `,"flags":`...)
	b = strconv.AppendUint(b, uint64(s.flags()), 10)
	b = append(b, `,"name":`...)
	b = appendTextJSON(b, s.name)
	b = append(b, `,"kind":`...)
	b = strconv.AppendInt(b, int64(s.kind), 10)
	b = append(b, `,"startTimeUnixNano":"`...)
	b = strconv.AppendInt(b, max(0, s.begin), 10)
	b = append(b, `","endTimeUnixNano":"`...)
	b = strconv.AppendInt(b, max(0, s.end), 10)
	b = append(b, '"')
	if len(s.attrs) > 0 {
		b = appendAttributesJSON(append(b, ','), s.attrs)
	}
	if len(s.links) > 0 {
		b = appendLinksJSON(b, s.links)
	}
	b = append(b, `,"status":{`...)
	if s.status == otelcodes.Error {
		b = append(b, `"message":`...)
		b = appendTextJSON(b, s.message)
		b = append(b, `,"code":`...)
		b = strconv.AppendInt(b, int64(tracepb.Status_STATUS_CODE_ERROR), 10)
	}
	return append(b, `}}`...)
}

func appendLinksJSON(b []byte, links []spanLink) []byte {
	b = append(b, `,"links":[`...)
	for i := range links {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendIDsJSON(b, links[i].to.Trace, links[i].to.Span)
		if len(links[i].attrs) > 0 {
			b = appendAttributesJSON(append(b, ','), links[i].attrs)
		}
		b = append(b, `,"flags":`...)
		b = strconv.AppendUint(b, uint64(flagsLocal), 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendIDsJSON opens an object with the two IDs that spans and links begin
// with.
func appendIDsJSON(b []byte, of trace.ID, span uint64) []byte {
	t, s := of.Bytes(), trace.SpanIDBytes(span)
	b = append(b, `{"traceId":"`...)
	b = hex.AppendEncode(b, t[:])
	b = append(b, `","spanId":"`...)
	return append(hex.AppendEncode(b, s[:]), '"')
}

func appendAttributesJSON(b []byte, attrs []attribute.KeyValue) []byte {
	b = append(b, `"attributes":[`...)
	for i := range attrs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"key":`...)
		b = appendTextJSON(b, string(attrs[i].Key))
		b = append(b, `,"value":`...)
		b = append(appendValueJSON(b, attrs[i].Value), '}')
	}
	return append(b, ']')
}

func appendValueJSON(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.BOOL:
		b = append(b, `{"boolValue":`...)
		b = strconv.AppendBool(b, v.AsBool())
	case attribute.INT64:
		b = append(b, `{"intValue":"`...)
		b = append(strconv.AppendInt(b, v.AsInt64(), 10), '"')
	case attribute.FLOAT64:
		b = append(b, `{"doubleValue":`...)
		b = appendFloatJSON(b, v.AsFloat64())
	case attribute.STRINGSLICE:
		b = append(b, `{"arrayValue":{"values":[`...)
		for i, each := range v.AsStringSlice() {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"stringValue":`...)
			b = append(appendTextJSON(b, each), '}')
		}
		b = append(b, `]}`...)
	default:
		b = append(b, `{"stringValue":`...)
		b = appendTextJSON(b, v.String())
	}
	return append(b, '}')
}

// appendFloatJSON writes what JSON has no number for as text, as protobuf does.
func appendFloatJSON(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

func appendTextJSON(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			quoted, _ := json.Marshal(s) // cannot fail for a string
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
