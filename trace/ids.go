package trace

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
)

// NewIDs returns a random trace ID and a random span ID, neither of them zero.
func NewIDs() (trace ID, span uint64) {
	return ID{rand.Uint64(), rand.Uint64() | 1}, rand.Uint64() | 1
}

// Bytes returns the ID as OpenTelemetry holds it, most significant byte first.
func (id ID) Bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], id.Hi)
	binary.BigEndian.PutUint64(b[8:], id.Lo)
	return b
}

// String returns 32 hexadecimal digits.
func (id ID) String() string {
	b := id.Bytes()
	return hex.EncodeToString(b[:])
}

// SpanIDBytes returns a span ID as OpenTelemetry holds it, most significant byte first.
func SpanIDBytes(id uint64) (b [8]byte) {
	binary.BigEndian.PutUint64(b[:], id)
	return b
}

// FormatSpanID returns 16 hexadecimal digits.
func FormatSpanID(id uint64) string {
	b := SpanIDBytes(id)
	return hex.EncodeToString(b[:])
}

// traceParentLen is the length of a version 00 header: "00-", 32, "-", 16, "-", 2.
const traceParentLen = 55

// FormatTraceParent returns the header by which the W3C recommendation "Trace Context"
// hands a trace on, in version 00.
func FormatTraceParent(trace ID, span uint64, sampled bool) string {
	var b [traceParentLen]byte
	copy(b[:], "00-")
	t, s := trace.Bytes(), SpanIDBytes(span)
	hex.Encode(b[3:35], t[:])
	b[35] = '-'
	hex.Encode(b[36:52], s[:])
	copy(b[52:], "-00")
	if sampled {
		b[54] = '1'
	}
	return string(b[:])
}

// ParseTraceParent reads a W3C traceparent. Of versions above 00 it reads the fields
// that 00 has and ignores the rest. Version ff, zero IDs and capital letters are invalid.
func ParseTraceParent(h string) (trace ID, span uint64, sampled, ok bool) {
	if len(h) < traceParentLen || (len(h) > traceParentLen && (h[:2] == "00" || h[traceParentLen] != '-')) {
		return
	}
	if h[2] != '-' || h[35] != '-' || h[52] != '-' || h[:2] == "ff" {
		return
	}
	var version, flags [1]byte
	var t [16]byte
	var s [8]byte
	if !lowerHex(version[:], h[:2]) || !lowerHex(t[:], h[3:35]) || !lowerHex(s[:], h[36:52]) || !lowerHex(flags[:], h[53:55]) {
		return
	}
	trace = ID{binary.BigEndian.Uint64(t[:8]), binary.BigEndian.Uint64(t[8:])}
	span = binary.BigEndian.Uint64(s[:])
	ok = trace != ID{} && span != 0
	return trace, span, flags[0]&1 == 1, ok
}

func lowerHex(dst []byte, src string) bool {
	for i := range len(src) {
		if c := src[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	_, err := hex.Decode(dst, []byte(src))
	return err == nil
}

// ID is a trace ID of 128 bits, in two halves. The zero ID names no trace.
type ID struct{ Hi, Lo uint64 }

// Link names a span, mostly one of another trace. The zero Link names none.
type Link struct {
	Trace ID
	Span  uint64
}

// ErrTraceID is returned when a text is not a trace ID: 32 hexadecimal digits,
// not all of them zero.
var ErrTraceID = errors.New("not a trace ID")

// ParseTraceID reads 32 hexadecimal digits. ErrTraceID is returned for anything else,
// and when all of them are zero.
func ParseTraceID(text string) (ID, error) {
	var b [16]byte
	if len(text) == 32 {
		if _, err := hex.Decode(b[:], []byte(text)); err == nil {
			if id := (ID{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}); id != (ID{}) {
				return id, nil
			}
		}
	}
	return ID{}, fmt.Errorf("%w: %.64q", ErrTraceID, text)
}

// ParseSpanID reads 16 hexadecimal digits. It returns zero for anything else: no span
// has that ID.
func ParseSpanID(text string) uint64 {
	if len(text) != 16 {
		return 0
	}
	id, err := strconv.ParseUint(text, 16, 64)
	if err != nil {
		return 0
	}
	return id
}

// ChildID returns the ID of a root span's n-th child. It depends on the two alone, so
// that a request that is exported twice gets the same spans.
func ChildID(root uint64, n int) uint64 {
	x := root + uint64(n+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31 | 1
}
