package trace

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
)

// newIDs makes a random trace ID and span ID, neither of them zero.
func newIDs() (trace ids, span uint64) {
	return ids{rand.Uint64(), rand.Uint64() | 1}, rand.Uint64() | 1
}

func (id ids) bytes() (b [16]byte) {
	binary.BigEndian.PutUint64(b[:8], id.hi)
	binary.BigEndian.PutUint64(b[8:], id.lo)
	return b
}

func (id ids) String() string {
	b := id.bytes()
	return hex.EncodeToString(b[:])
}

func spanBytes(id uint64) (b [8]byte) {
	binary.BigEndian.PutUint64(b[:], id)
	return b
}

func spanString(id uint64) string {
	b := spanBytes(id)
	return hex.EncodeToString(b[:])
}

// traceParentLen is the length of a version 00 header: "00-", 32, "-", 16, "-", 2.
const traceParentLen = 55

func formatTraceParent(trace ids, span uint64, sampled bool) string {
	var b [traceParentLen]byte
	copy(b[:], "00-")
	t, s := trace.bytes(), spanBytes(span)
	hex.Encode(b[3:35], t[:])
	b[35] = '-'
	hex.Encode(b[36:52], s[:])
	copy(b[52:], "-00")
	if sampled {
		b[54] = '1'
	}
	return string(b[:])
}

// parseTraceParent reads a W3C traceparent. Versions above 00 are read as far
// as 00 goes; version ff, zero IDs and capital letters are invalid.
func parseTraceParent(h string) (trace ids, span uint64, sampled, ok bool) {
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
	trace = ids{binary.BigEndian.Uint64(t[:8]), binary.BigEndian.Uint64(t[8:])}
	span = binary.BigEndian.Uint64(s[:])
	ok = trace != ids{} && span != 0
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
