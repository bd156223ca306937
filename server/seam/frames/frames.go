// Package frames finds the HTTP/2 frames in a stream of bytes that others read or write: where
// each begins and ends, and what its head says.
package frames

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// Head is the content of the nine bytes in front of every HTTP/2 frame.
type Head struct {
	Length uint32 // the payload's length, in bytes
	Kind   http2.FrameType
	Flags  http2.Flags
	Stream uint32
}

// HeadLen is the length of a frame's head, in bytes.
const HeadLen = 9

// Size returns the length of the frame on the wire, in bytes.
func (h Head) Size() int { return HeadLen + int(h.Length) }

// Ends reports whether the frame is the last of its stream in its direction. CONTINUATION
// frames may still follow it.
func (h Head) Ends() bool {
	return (h.Kind == http2.FrameData || h.Kind == http2.FrameHeaders) && h.Flags.Has(http2.FlagDataEndStream)
}

// IsBlock reports whether the frame carries a header block or a part of one.
func (h Head) IsBlock() bool {
	return h.Kind == http2.FrameHeaders || h.Kind == http2.FrameContinuation
}

// EndsBlock reports whether the frame is the last of a header block.
func (h Head) EndsBlock() bool { return h.IsBlock() && h.Flags.Has(http2.FlagHeadersEndHeaders) }

// Continues reports whether a CONTINUATION frame of the same header block follows.
func (h Head) Continues() bool { return h.IsBlock() && !h.EndsBlock() }

// Counter follows the frames of one direction of an HTTP/2 connection. It is shown the bytes as
// they pass, in pieces of any size, and stores nothing but incomplete heads. The zero value is
// ready for the first frame. It must be used by one goroutine at a time.
//
// It does not check the protocol: the transport does that.
type Counter struct {
	Preface   int // bytes of the client's preface that are still to come
	bytes     [HeadLen]byte
	have      int    // bytes of the current head so far
	Head      Head   // head of the current frame; valid once all its bytes have passed
	InPayload bool   // the head has passed, the payload has not, or not all of it
	left      uint32 // bytes of the payload that are still to come
}

// AfterPreface returns a Counter for the direction from client to server, where the connection
// preface comes before the first frame.
func AfterPreface() Counter { return Counter{Preface: len(http2.ClientPreface)} }

// Edge is the point at which Next has stopped.
type Edge uint8

// The edges.
const (
	NoEdge Edge = iota // at the end of the bytes
	Began              // at the end of a head: Head is valid from here to the frame's end
	Ended              // at the end of a payload
)

// Next goes on to the next edge, and returns it with the number of bytes of p before it. The
// caller must call it again with the rest of p, even if that is empty, until the edge is NoEdge.
func (f *Counter) Next(p []byte) (n int, edge Edge) {
	if f.InPayload {
		return f.payload(p)
	}
	n = min(f.Preface, len(p))
	f.Preface -= n
	if f.Preface > 0 {
		return n, NoEdge
	}
	taken := copy(f.bytes[f.have:], p[n:])
	n += taken
	f.have += taken
	if f.have < HeadLen {
		return n, NoEdge
	}
	f.Head = parseHead(f.bytes)
	f.left, f.InPayload = f.Head.Length, true
	return n, Began
}

// payload does the work of Next while p continues a payload.
func (f *Counter) payload(p []byte) (n int, edge Edge) {
	n = int(min(int64(f.left), int64(len(p))))
	f.left -= uint32(n)
	if f.left > 0 {
		return n, NoEdge
	}
	f.have, f.InPayload = 0, false
	return n, Ended
}

// Split reports whether some bytes of a head have passed, but not all.
func (f *Counter) Split() bool { return f.have > 0 && !f.InPayload }

func parseHead(b [HeadLen]byte) Head {
	return Head{
		Length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		Kind:   http2.FrameType(b[3]),
		Flags:  http2.Flags(b[4]),
		Stream: binary.BigEndian.Uint32(b[5:]) &^ (1 << 31), // the first bit is reserved
	}
}

// DefaultWindow is the initial window of each stream and of the connection, in bytes.
const DefaultWindow = 65535

// SettingLen is the length of a setting: two bytes of identifier, four of value.
const SettingLen = 6
