package otlp

import (
	"encoding/binary"
	"math"

	"glasskv/trace"

	"go.opentelemetry.io/otel/attribute"
	otelcodes "go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of OTLP's protobuf fields that are written here.
const (
	fieldScopeSpansSpans = 2

	fieldSpanTraceID, fieldSpanID, fieldSpanParent                   = 1, 2, 4
	fieldSpanName, fieldSpanKind, fieldSpanStart, fieldSpanEnd       = 5, 6, 7, 8
	fieldSpanAttributes, fieldSpanLinks, fieldStatus, fieldSpanFlags = 9, 13, 15, 16

	fieldLinkTraceID, fieldLinkSpanID, fieldLinkAttributes, fieldLinkFlags = 1, 2, 4, 6

	fieldStatusMessage, fieldStatusCode = 2, 3
	fieldResourceAttributes             = 1
	fieldKey, fieldValue                = 1, 2

	fieldString, fieldBool, fieldInt, fieldDouble, fieldArray = 1, 2, 3, 4, 5
	fieldArrayValues                                          = 1
)

// The flags of a span: sampled, and known to have, or not to have, its parent in
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

// appendSpan appends a span as it stands in a ScopeSpans message.
func appendSpan(b []byte, s *span) []byte {
	b, whole := open(b, fieldScopeSpansSpans)
	b = appendTraceID(b, fieldSpanTraceID, s.trace)
	b = appendSpanID(b, fieldSpanID, s.id)
	if s.parent != 0 {
		b = appendSpanID(b, fieldSpanParent, s.parent)
	}
	b = appendString(b, fieldSpanName, s.name)
	b = appendVarint(b, fieldSpanKind, uint64(s.kind)) // OTLP numbers them as the SDK does
	b = appendFixed64(b, fieldSpanStart, uint64(max(0, s.begin)))
	b = appendFixed64(b, fieldSpanEnd, uint64(max(0, s.end)))
	b = appendAttributes(b, fieldSpanAttributes, s.attrs)
	for i := range s.links {
		b = appendLink(b, &s.links[i])
	}
	if s.status == otelcodes.Error {
		var status int
		b, status = open(b, fieldStatus)
		b = appendString(b, fieldStatusMessage, s.message)
		b = appendVarint(b, fieldStatusCode, uint64(tracepb.Status_STATUS_CODE_ERROR))
		b = shut(b, status)
	}
	b = protowire.AppendTag(b, fieldSpanFlags, protowire.Fixed32Type)
	b = protowire.AppendFixed32(b, s.flags())
	return shut(b, whole)
}

func appendLink(b []byte, l *spanLink) []byte {
	b, whole := open(b, fieldSpanLinks)
	b = appendTraceID(b, fieldLinkTraceID, l.to.Trace)
	b = appendSpanID(b, fieldLinkSpanID, l.to.Span)
	b = appendAttributes(b, fieldLinkAttributes, l.attrs)
	b = protowire.AppendTag(b, fieldLinkFlags, protowire.Fixed32Type)
	b = protowire.AppendFixed32(b, flagsLocal)
	return shut(b, whole)
}

func appendAttributes(b []byte, field protowire.Number, attrs []attribute.KeyValue) []byte {
	for i := range attrs {
		var pair, value int
		b, pair = open(b, field)
		b = appendString(b, fieldKey, string(attrs[i].Key))
		b, value = open(b, fieldValue)
		b = appendValue(b, attrs[i].Value)
		b = shut(shut(b, value), pair)
	}
	return b
}

func appendValue(b []byte, v attribute.Value) []byte {
	switch v.Type() {
	case attribute.STRING:
		b = protowire.AppendTag(b, fieldString, protowire.BytesType)
		return protowire.AppendString(b, v.AsString())
	case attribute.BOOL:
		b = protowire.AppendTag(b, fieldBool, protowire.VarintType)
		return protowire.AppendVarint(b, protowire.EncodeBool(v.AsBool()))
	case attribute.INT64:
		b = protowire.AppendTag(b, fieldInt, protowire.VarintType)
		return protowire.AppendVarint(b, uint64(v.AsInt64()))
	case attribute.FLOAT64:
		return appendFixed64(b, fieldDouble, math.Float64bits(v.AsFloat64()))
	case attribute.STRINGSLICE:
		b, list := open(b, fieldArray)
		for _, each := range v.AsStringSlice() {
			var value int
			b, value = open(b, fieldArrayValues)
			b = protowire.AppendTag(b, fieldString, protowire.BytesType)
			b = shut(protowire.AppendString(b, each), value)
		}
		return shut(b, list)
	}
	b = protowire.AppendTag(b, fieldString, protowire.BytesType)
	return protowire.AppendString(b, trace.ValidUTF8(v.String()))
}

// open begins a nested message, shut ends it: only then its length is known, and
// is put before it.
func open(b []byte, field protowire.Number) (_ []byte, mark int) {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return b, len(b)
}

func shut(b []byte, mark int) []byte {
	n := uint64(len(b) - mark)
	size := protowire.SizeVarint(n)
	var room [binary.MaxVarintLen64]byte
	b = append(b, room[:size]...)
	copy(b[mark+size:], b[mark:])
	binary.PutUvarint(b[mark:], n)
	return b
}

func appendTraceID(b []byte, field protowire.Number, id trace.ID) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = append(b, 16)
	b = binary.BigEndian.AppendUint64(b, id.Hi)
	return binary.BigEndian.AppendUint64(b, id.Lo)
}

func appendSpanID(b []byte, field protowire.Number, id uint64) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	b = append(b, 8)
	return binary.BigEndian.AppendUint64(b, id)
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	b = protowire.AppendTag(b, field, protowire.BytesType)
	return protowire.AppendString(b, s)
}

func appendVarint(b []byte, field protowire.Number, v uint64) []byte {
	b = protowire.AppendTag(b, field, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

func appendFixed64(b []byte, field protowire.Number, v uint64) []byte {
	b = protowire.AppendTag(b, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, v)
}
