package front

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/url"
	"strconv"

	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
)

// A request that operateHeaders turns away never reaches the tap, and grpc-go
// tells nobody about it. What can be known of it is on the wire: the name of the
// method in its header block, and the reason in the reply's. Both are read here,
// after the fact and only for such requests.
//
// HPACK lets a block refer to earlier blocks of the connection. Those were not
// kept, so a repeated mistake on one connection may stay without a name.

// turnedAway is called on the reading goroutine, for a stream that no goroutine
// was started for.
func (c *serverConn) turnedAway(s *stream) {
	s.rec.End(stages.OperateHeaders)
	if !s.rec.Has(record.MarkTapped) {
		s.rec.Facts().Method = pathOf(requestBlock(c.in.block, c.in.flags))
	}
	if s.Context != nil && s.Context.Err() != nil {
		s.rec.SetCode(uint32(codes.DeadlineExceeded), context.DeadlineExceeded.Error())
	}
	c.tooLate(s)
	if s.gone() { // nothing will be written, so it is over with that
		s.rec.End(stages.OperateHeaders)
	}
	s.done(record.EventHandled)
}

// requestBlock takes padding and priority off the payload of a HEADERS frame.
func requestBlock(payload []byte, flags http2.Flags) []byte {
	padding := 0
	if flags.Has(http2.FlagHeadersPadded) && len(payload) > 0 {
		padding, payload = int(payload[0]), payload[1:]
	}
	if flags.Has(http2.FlagHeadersPriority) {
		payload = payload[min(len(payload), priorityLen):]
	}
	return payload[:max(0, len(payload)-padding)]
}

// priorityLen is the length of the priority fields of a HEADERS frame.
const priorityLen = 5

// maxBlock bounds how much of a header block is looked at, in bytes.
const maxBlock = 16 << 10

// headerFields calls visit for the fields of a block, up to the first that
// cannot be read without the blocks before it.
func headerFields(block []byte, visit func(hpack.HeaderField)) {
	decoder := hpack.NewDecoder(4096, visit)
	decoder.SetMaxStringLength(maxBlock)
	// An error ends the reading; what was found by then is all there is to find.
	_, _ = decoder.Write(block[:min(len(block), maxBlock)])
}

func pathOf(block []byte) (path string) {
	headerFields(block, func(f hpack.HeaderField) {
		if f.Name == ":path" {
			path = f.Value
		}
	})
	return path
}

// answered notes the reason from the header block of the reply.
func (s *stream) answered(block []byte) {
	var httpStatus, grpcStatus, message string
	headerFields(block, func(f hpack.HeaderField) {
		switch f.Name {
		case ":status":
			httpStatus = f.Value
		case "grpc-status":
			grpcStatus = f.Value
		case "grpc-message":
			message = f.Value
		}
	})
	if plain, err := url.PathUnescape(message); err == nil {
		message = plain
	}
	if httpStatus != "" && httpStatus != "200" {
		message = fmt.Sprintf("HTTP status %s: %s", httpStatus, message)
	}
	if code, err := strconv.ParseUint(grpcStatus, 10, 32); err == nil {
		s.rec.SetCode(uint32(code), message)
	} else if code, ok := codeOfHTTP[httpStatus]; ok {
		s.rec.SetCode(uint32(code), message)
	}
}

// codeOfHTTP holds the gRPC codes that go with the HTTP status of operateHeaders'
// refusals, for when only the latter can be read.
var codeOfHTTP = map[string]codes.Code{
	"400": codes.Internal,
	"405": codes.Internal,
	"415": codes.InvalidArgument,
}

// resetSent notes that the server reset a stream, and why, when it had not handed
// it on. The code is what gRPC lets a client make of it; a stream that was handed on has a
// handler, which says more.
func (s *stream) resetSent(payload []byte) {
	reason := http2.ErrCodeInternal
	if len(payload) >= 4 {
		reason = http2.ErrCode(binary.BigEndian.Uint32(payload))
	}
	if s.late(reason) {
		s.rec.Mark(record.MarkTimedOut)
		return
	}
	s.rec.Mark(record.MarkResetSent)
	if s.handed.Load() {
		return
	}
	code, ok := codeOfReset[reason]
	if !ok {
		code = codes.Internal
	}
	s.rec.SetCode(uint32(code), "the server reset the stream: "+reason.String())
}

// late reports whether a reset is that of the transport's own timer, which ends a
// stream at its deadline without asking the handler.
func (s *stream) late(reason http2.ErrCode) bool {
	if !s.handed.Load() || reason != http2.ErrCodeCancel {
		return false
	}
	_, limited := s.Deadline()
	return limited
}

var codeOfReset = map[http2.ErrCode]codes.Code{
	http2.ErrCodeRefusedStream:      codes.Unavailable,
	http2.ErrCodeCancel:             codes.Canceled,
	http2.ErrCodeEnhanceYourCalm:    codes.ResourceExhausted,
	http2.ErrCodeInadequateSecurity: codes.PermissionDenied,
}

// With GOAWAY the server asks a client to open another connection: because it is
// being stopped, because the connection is too old, or because the client pings
// too much. A graceful one comes twice: first for all streams that there can ever
// be, then, when the client has answered a ping, with the last stream that will
// be served. A stream behind that one is dropped without a word.

// goAway notes that the server said so, with the requests that are under way.
func (c *serverConn) goAway(payload []byte) {
	if len(payload) < 8 {
		return
	}
	last := binary.BigEndian.Uint32(payload) &^ (1 << 31)
	reason := http2.ErrCode(binary.BigEndian.Uint32(payload[4:])).String()
	if debug := payload[8:]; len(debug) > 0 {
		reason += ", " + string(debug)
	}
	c.out.said.Store(&farewell{last, reason})
	c.streams.all(func(s *stream) {
		s.rec.Mark(record.MarkGoAway)
		c.tooLate(s)
	})
}

// farewell is what a GOAWAY said.
type farewell struct {
	last   uint32 // streams above this one are not served
	reason string
}

// tooLate ends a request that came after the last one that will be served. Nobody
// answers it; a gRPC client sends it again on another connection.
func (c *serverConn) tooLate(s *stream) {
	said := c.out.said.Load()
	if said == nil || s.rec.StreamID() <= said.last || s.handed.Load() || s.gone() {
		return
	}
	s.rec.Mark(record.MarkGoAway)
	s.rec.SetCode(uint32(codes.Unavailable), fmt.Sprintf("not served: the server had said GOAWAY (%s)", said.reason))
	s.done(record.EventWire)
}
