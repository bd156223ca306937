package seam

import (
	"encoding/binary"

	"golang.org/x/net/http2"
)

// frameHead is what the nine bytes in front of every HTTP/2 frame say.
type frameHead struct {
	length uint32 // bytes of payload
	kind   http2.FrameType
	flags  http2.Flags
	stream uint32
}

// frameHeadLen is the length of a frame's head, in bytes.
const frameHeadLen = 9

// size is what the frame takes on the wire, in bytes.
func (h frameHead) size() int { return frameHeadLen + int(h.length) }

// ends reports whether the frame, with those that it continues in, is the last of
// its stream in its direction.
func (h frameHead) ends() bool {
	return (h.kind == http2.FrameData || h.kind == http2.FrameHeaders) && h.flags.Has(http2.FlagDataEndStream)
}

// isBlock reports whether the frame carries a header block or a piece of one.
func (h frameHead) isBlock() bool {
	return h.kind == http2.FrameHeaders || h.kind == http2.FrameContinuation
}

// endsBlock reports whether the frame is the last of a header block.
func (h frameHead) endsBlock() bool { return h.isBlock() && h.flags.Has(http2.FlagHeadersEndHeaders) }

// continues reports whether a header block goes on in the next frame.
func (h frameHead) continues() bool { return h.isBlock() && !h.endsBlock() }

// frames follows the frames of one direction of an HTTP/2 connection. It is
// shown the bytes as they pass, in pieces of any size, and keeps none but those
// of a head that came in pieces. The zero value stands before the first frame.
//
// It does not judge what it sees: a frame that breaks the protocol is for the
// transport to refuse. It must be used by one goroutine at a time.
type frames struct {
	preface int // bytes of the client's preface that are still to come
	bytes   [frameHeadLen]byte
	have    int       // bytes of the current head so far
	head    frameHead // the current frame's, once it is whole
	inside  bool      // the head is whole, the payload is not
	left    uint32    // bytes of the payload that are still to come
}

// afterPreface returns frames for the direction from client to server, where a
// fixed greeting comes before the first frame.
func afterPreface() frames { return frames{preface: len(http2.ClientPreface)} }

// frameEdge is what next has come to.
type frameEdge uint8

const (
	noEdge     frameEdge = iota // the bytes are used up
	frameBegan                  // the head is whole: head is valid from here to the frame's end
	frameEnded                  // the payload is whole
)

// next goes on to the next edge and returns how many bytes of p lie before it.
// It is called again with the rest, even if that is empty, until it returns
// noEdge.
func (f *frames) next(p []byte) (n int, edge frameEdge) {
	if f.inside {
		return f.payload(p)
	}
	n = min(f.preface, len(p))
	f.preface -= n
	if f.preface > 0 {
		return n, noEdge
	}
	taken := copy(f.bytes[f.have:], p[n:])
	n += taken
	f.have += taken
	if f.have < frameHeadLen {
		return n, noEdge
	}
	f.head = parseHead(f.bytes)
	f.left, f.inside = f.head.length, true
	return n, frameBegan
}

func (f *frames) payload(p []byte) (n int, edge frameEdge) {
	n = int(min(int64(f.left), int64(len(p))))
	f.left -= uint32(n)
	if f.left > 0 {
		return n, noEdge
	}
	f.have, f.inside = 0, false
	return n, frameEnded
}

// split reports whether a head has begun and is not whole.
func (f *frames) split() bool { return f.have > 0 && !f.inside }

func parseHead(b [frameHeadLen]byte) frameHead {
	return frameHead{
		length: uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]),
		kind:   http2.FrameType(b[3]),
		flags:  http2.Flags(b[4]),
		stream: binary.BigEndian.Uint32(b[5:]) &^ (1 << 31), // the first bit is reserved
	}
}

// defaultWindow is what HTTP/2 begins with, in bytes.
const defaultWindow = 65535

// settingLen is the length of one setting: two bytes of name, four of value.
const settingLen = 6
