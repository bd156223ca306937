package otlp

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"strconv"

	"glasskv/trace"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// An encoding writes messages of OTLP, in protobuf or in JSON. Its methods name each
// field once, with its number in protobuf and its name in JSON, in the order of
// opentelemetry/proto/trace/v1/trace.proto. Fields that GlassKV never sets are left out.
//
// OTLP/JSON is protobuf's JSON with two exceptions, which protobuf's own encoders do not
// know: IDs are hexadecimal and enumerations are numbers.
//
// The methods branch on the encoding and get labels as they are written, since under load
// every request may be encoded: a table of fields with accessors took 40 % longer.
type encoding bool

const (
	inProtobuf encoding = false
	inJSON     encoding = true
)

// appendRequestJSON appends an ExportTraceServiceRequest with the spans.
func appendRequestJSON(b []byte, from *provenance, spans []span) []byte {
	b = append(b, `{"resourceSpans":[{"resource":{"attributes":`...)
	b = inJSON.attributes(b, 1, from.resource.Attributes())
	b = append(b, `},"scopeSpans":[{"scope":{"name":`...)
	b = appendTextJSON(b, from.scope.Name)
	if from.scope.Version != "" {
		b = append(b, `,"version":`...)
		b = appendTextJSON(b, from.scope.Version)
	}
	b = append(b, '}')
	b = inJSON.spans(b, spans)
	b = append(b, `,"schemaUrl":`...)
	b = appendTextJSON(b, from.scope.SchemaURL)
	return append(b, `}]}]}`...)
}

// spans appends the field of ScopeSpans that holds spans.
func (e encoding) spans(b []byte, spans []span) []byte {
	b = e.label(b, `,"spans":`)
	list := len(b)
	for i := range spans {
		var element int
		b, element = e.open(e.label(b, ","), 2)
		b = e.shut(e.span(b, &spans[i]), element)
	}
	return e.shutList(b, list)
}

func (e encoding) span(b []byte, s *span) []byte {
	b = e.traceID(e.label(b, `,"traceId":`), 1, s.trace)
	b = e.spanID(e.label(b, `,"spanId":`), 2, s.id)
	if s.parent != 0 {
		b = e.spanID(e.label(b, `,"parentSpanId":`), 4, s.parent)
	}
	if e == inJSON {
		b = e.spanFlags(b, s)
	}
	b = e.text(e.label(b, `,"name":`), 5, s.name)
	b = e.enum(e.label(b, `,"kind":`), 6, int32(s.kind)) // OTLP numbers them as the SDK does
	b = e.fixed64(e.label(b, `,"startTimeUnixNano":`), 7, uint64(max(0, s.begin)))
	b = e.fixed64(e.label(b, `,"endTimeUnixNano":`), 8, uint64(max(0, s.end)))
	if len(s.attrs) > 0 {
		b = e.attributes(e.label(b, `,"attributes":`), 9, s.attrs)
	}
	if len(s.links) > 0 {
		b = e.links(b, s.links)
	}
	if failed := s.status == otelcodes.Error; failed || e == inJSON {
		var status int
		b, status = e.open(e.label(b, `,"status":`), 15)
		if failed {
			b = e.text(e.label(b, `,"message":`), 2, s.message)
			b = e.enum(e.label(b, `,"code":`), 3, int32(tracepb.Status_STATUS_CODE_ERROR))
		}
		b = e.shut(b, status)
	}
	if e == inProtobuf { // which orders fields by number; JSON has them as declared
		b = e.spanFlags(b, s)
	}
	return b
}

func (e encoding) spanFlags(b []byte, s *span) []byte {
	return e.fixed32(e.label(b, `,"flags":`), 16, s.flags())
}

func (e encoding) links(b []byte, links []spanLink) []byte {
	b = e.label(b, `,"links":`)
	list := len(b)
	for i := range links {
		var element int
		b, element = e.open(e.label(b, ","), 13)
		l := &links[i]
		b = e.traceID(e.label(b, `,"traceId":`), 1, l.to.Trace)
		b = e.spanID(e.label(b, `,"spanId":`), 2, l.to.Span)
		if len(l.attrs) > 0 {
			b = e.attributes(e.label(b, `,"attributes":`), 4, l.attrs)
		}
		b = e.fixed32(e.label(b, `,"flags":`), 6, flagsLocal)
		b = e.shut(b, element)
	}
	return e.shutList(b, list)
}

func (e encoding) attributes(b []byte, number protowire.Number, attrs []attribute.KeyValue) []byte {
	list := len(b)
	for i := range attrs {
		var element, value int
		b, element = e.open(e.label(b, ","), number)
		b = e.text(e.label(b, `,"key":`), 1, string(attrs[i].Key))
		b, value = e.open(e.label(b, `,"value":`), 2)
		b = e.shut(e.value(b, &attrs[i].Value), value)
		b = e.shut(b, element)
	}
	return e.shutList(b, list)
}

// value appends the field of AnyValue, a oneof, that holds v. A type that GlassKV
// does not use itself is written as text.
func (e encoding) value(b []byte, v *attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		return e.oneofText(e.label(b, `,"stringValue":`), 1, v.AsString())
	case attribute.BOOL:
		return e.bool(e.label(b, `,"boolValue":`), 2, v.AsBool())
	case attribute.INT64:
		return e.int64(e.label(b, `,"intValue":`), 3, v.AsInt64())
	case attribute.FLOAT64:
		return e.double(e.label(b, `,"doubleValue":`), 4, v.AsFloat64())
	case attribute.STRINGSLICE:
		b, array := e.open(e.label(b, `,"arrayValue":`), 5)
		return e.shut(e.texts(b, v.AsStringSlice()), array)
	}
	return e.oneofText(e.label(b, `,"stringValue":`), 1, trace.ValidUTF8(v.String()))
}

// texts appends the field values of an ArrayValue, with each text as an AnyValue.
func (e encoding) texts(b []byte, texts []string) []byte {
	b = e.label(b, `,"values":`)
	list := len(b)
	for _, each := range texts {
		var element int
		b, element = e.open(e.label(b, ","), 1)
		b = e.shut(e.oneofText(e.label(b, `,"stringValue":`), 1, each), element)
	}
	return e.shutList(b, list)
}

// The flags of a span: it is sampled, and it is known whether its parent is in
// another process.
const (
	flagsLocal  = uint32(oteltrace.FlagsSampled) | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK)
	flagsRemote = flagsLocal | uint32(tracepb.SpanFlags_SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK)
)

func (s *span) flags() uint32 {
	if s.remote {
		return flagsRemote
	}
	return flagsLocal
}

// label appends the name of a field in JSON, with a comma before and a colon after. The
// methods below append the field's value; in protobuf, the field's number before it.
//
// In JSON, the first member of an object has a comma before it too, until shut or shutList
// replaces it with the bracket.
func (e encoding) label(b []byte, label string) []byte {
	if e == inJSON {
		return append(b, label...)
	}
	return b
}

// open begins a nested message, or an element of a list of messages, and shut ends it. In
// protobuf the length comes before the message, so that shut moves the message to make
// room for it.
func (e encoding) open(b []byte, number protowire.Number) (_ []byte, begin int) {
	if e == inProtobuf {
		b = protowire.AppendTag(b, number, protowire.BytesType)
	}
	return b, len(b)
}

func (e encoding) shut(b []byte, begin int) []byte {
	if e == inJSON {
		return enclose(b, begin, '{', '}')
	}
	n := uint64(len(b) - begin)
	size := protowire.SizeVarint(n)
	var room [binary.MaxVarintLen64]byte
	b = append(b, room[:size]...)
	copy(b[begin+size:], b[begin:])
	binary.PutUvarint(b[begin:], n)
	return b
}

// shutList ends a list whose elements are after begin. In protobuf a list is only its
// elements.
func (e encoding) shutList(b []byte, begin int) []byte {
	if e == inJSON {
		return enclose(b, begin, '[', ']')
	}
	return b
}

// enclose puts brackets around the members after begin.
func enclose(b []byte, begin int, left, right byte) []byte {
	if len(b) == begin {
		return append(b, left, right)
	}
	b[begin] = left // instead of the first member's comma
	return append(b, right)
}

func (e encoding) traceID(b []byte, number protowire.Number, id trace.ID) []byte {
	if e == inJSON {
		return append(appendHex(appendHex(append(b, '"'), id.Hi), id.Lo), '"')
	}
	b = append(protowire.AppendTag(b, number, protowire.BytesType), 16)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, id.Hi), id.Lo)
}

func (e encoding) spanID(b []byte, number protowire.Number, id uint64) []byte {
	if e == inJSON {
		return append(appendHex(append(b, '"'), id), '"')
	}
	b = append(protowire.AppendTag(b, number, protowire.BytesType), 8)
	return binary.BigEndian.AppendUint64(b, id)
}

// appendHex appends all 16 digits.
func appendHex(b []byte, v uint64) []byte {
	var digits [16]byte
	for i := range digits {
		digits[i] = "0123456789abcdef"[v>>60]
		v <<= 4
	}
	return append(b, digits[:]...)
}

// text omits an empty text in protobuf, as proto3 does.
func (e encoding) text(b []byte, number protowire.Number, s string) []byte {
	if s == "" && e == inProtobuf {
		return b
	}
	return e.oneofText(b, number, s)
}

// oneofText writes an empty text too, since its presence says which field of the oneof is
// set.
func (e encoding) oneofText(b []byte, number protowire.Number, s string) []byte {
	if e == inJSON {
		return appendTextJSON(b, s)
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
}

func (e encoding) enum(b []byte, number protowire.Number, v int32) []byte {
	if e == inJSON {
		return strconv.AppendInt(b, int64(v), 10)
	}
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
}

func (e encoding) fixed32(b []byte, number protowire.Number, v uint32) []byte {
	if e == inJSON {
		return strconv.AppendUint(b, uint64(v), 10)
	}
	return protowire.AppendFixed32(protowire.AppendTag(b, number, protowire.Fixed32Type), v)
}

// fixed64 and int64 write text in JSON, which has no integers of 64 bits.
func (e encoding) fixed64(b []byte, number protowire.Number, v uint64) []byte {
	if e == inJSON {
		return append(strconv.AppendUint(append(b, '"'), v, 10), '"')
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, number, protowire.Fixed64Type), v)
}

func (e encoding) int64(b []byte, number protowire.Number, v int64) []byte {
	if e == inJSON {
		return append(strconv.AppendInt(append(b, '"'), v, 10), '"')
	}
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), uint64(v))
}

func (e encoding) bool(b []byte, number protowire.Number, v bool) []byte {
	if e == inJSON {
		return strconv.AppendBool(b, v)
	}
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), protowire.EncodeBool(v))
}

func (e encoding) double(b []byte, number protowire.Number, v float64) []byte {
	if e == inJSON {
		return appendDoubleJSON(b, v)
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, number, protowire.Fixed64Type), math.Float64bits(v))
}

// appendDoubleJSON appends a number, or text for what JSON has no number for, as protobuf
// does.
func appendDoubleJSON(b []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(b, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(b, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(b, `"-Infinity"`...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
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
