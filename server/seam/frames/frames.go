// Package frames counts HTTP/2 frames in a stream of bytes that somebody else reads or
// writes: where each begins, what its header says, and where it ends.
package frames

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// frameHead is what the nine bytes in front of every HTTP/2 frame say.
type Head struct {
	Length uint32 // bytes of payload
	Kind   http2.FrameType
	Flags  http2.Flags
	Stream uint32
}

// frameHeadLen is the length of a frame's head, in bytes.
const HeadLen = 9

// Size is what the frame takes on the wire, in bytes.
func (h Head) Size() int { return HeadLen + int(h.Length) }

// Ends reports whether the frame, with those that it continues in, is the last of
// its stream in its direction.
func (h Head) Ends() bool {
	return (h.Kind == http2.FrameData || h.Kind == http2.FrameHeaders) && h.Flags.Has(http2.FlagDataEndStream)
}

// IsBlock reports whether the frame carries a header block or a piece of one.
func (h Head) IsBlock() bool {
	return h.Kind == http2.FrameHeaders || h.Kind == http2.FrameContinuation
}

// EndsBlock reports whether the frame is the last of a header block.
func (h Head) EndsBlock() bool { return h.IsBlock() && h.Flags.Has(http2.FlagHeadersEndHeaders) }

// Continues reports whether a header block goes on in the next frame.
func (h Head) Continues() bool { return h.IsBlock() && !h.EndsBlock() }

// frames follows the frames of one direction of an HTTP/2 connection. It is
// shown the bytes as they pass, in pieces of any size, and keeps none but those
// of a head that came in pieces. The zero value stands before the first frame.
//
// It does not judge what it sees: a frame that breaks the protocol is for the
// transport to refuse. It must be used by one goroutine at a time.
type Counter struct {
	Preface int // bytes of the client's preface that are still to come
	bytes   [HeadLen]byte
	have    int    // bytes of the current head so far
	Head    Head   // the current frame's, once it is whole
	Inside  bool   // the head is whole, the payload is not
	left    uint32 // bytes of the payload that are still to come
}

// AfterPreface returns frames for the direction from client to server, where a
// fixed greeting comes before the first frame.
func AfterPreface() Counter { return Counter{Preface: len(http2.ClientPreface)} }

// frameEdge is what next has come to.
type frameEdge uint8

const (
	NoEdge frameEdge = iota // the bytes are used up
	Began                   // the head is whole: head is valid from here to the frame's end
	Ended                   // the payload is whole
)

// Next goes on to the next edge and returns how many bytes of p lie before it.
// It is called again with the rest, even if that is empty, until it returns
// noEdge.
func (f *Counter) Next(p []byte) (n int, edge frameEdge) {
	if f.Inside {
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
	f.left, f.Inside = f.Head.Length, true
	return n, Began
}

func (f *Counter) payload(p []byte) (n int, edge frameEdge) {
	n = int(min(int64(f.left), int64(len(p))))
	f.left -= uint32(n)
	if f.left > 0 {
		return n, NoEdge
	}
	f.have, f.Inside = 0, false
	return n, Ended
}

// Split reports whether a head has begun and is not whole.
func (f *Counter) Split() bool { return f.have > 0 && !f.Inside }

func parseHead(b [HeadLen]byte) Head {
	return Head{
		Length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		Kind:   http2.FrameType(b[3]),
		Flags:  http2.Flags(b[4]),
		Stream: binary.BigEndian.Uint32(b[5:]) &^ (1 << 31), // the first bit is reserved
	}
}

// DefaultWindow is what HTTP/2 begins with, in bytes.
const DefaultWindow = 65535

// SettingLen is the length of one setting: two bytes of name, four of value.
const SettingLen = 6
