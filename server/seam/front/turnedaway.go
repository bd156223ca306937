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

// endTurnedAway ends the part of a request that operateHeaders turned away: no goroutine will
// handle it. It is called by the goroutine that reads the connection.
//
// If operateHeaders refuses a request before the tap, grpc-go reports nothing of it. What can
// be known is on the wire: the method's name in the request's header block, and the reason in
// the reply's. Both are decoded only for such requests. HPACK lets a block refer to earlier
// blocks of the connection, which are not kept, so the name or the reason may stay unknown if
// a client repeats its mistake.
func (c *serverConn) endTurnedAway(s *stream) {
	s.rec.End(stages.OperateHeaders)
	if !s.rec.Has(record.MarkTapped) {
		s.rec.Facts().Method = pathOf(requestBlock(c.in.block, c.in.flags))
	}
	if s.Context != nil && s.Context.Err() != nil {
		s.rec.SetCode(uint32(codes.DeadlineExceeded), context.DeadlineExceeded.Error())
	}
	c.endIfNotServed(s)
	if s.replyEnded() { // nothing will be written
		s.rec.End(stages.OperateHeaders)
	}
	s.done(record.EventHandled)
}

// requestBlock returns the payload of a HEADERS frame without padding and priority.
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

// maxBlock is how many bytes of a header block are decoded at most.
const maxBlock = 16 << 10

// headerFields calls visit for the fields of a header block, up to the first that refers to an
// earlier block or is malformed.
func headerFields(block []byte, visit func(hpack.HeaderField)) {
	decoder := hpack.NewDecoder(4096, visit)
	decoder.SetMaxStringLength(maxBlock)
	// After an error there is nothing more to find.
	_, _ = decoder.Write(block[:min(len(block), maxBlock)])
}

// pathOf returns the pseudo-header :path, which is the method's full name, or "".
func pathOf(block []byte) (path string) {
	headerFields(block, func(f hpack.HeaderField) {
		if f.Name == ":path" {
			path = f.Value
		}
	})
	return path
}

// noteEarlyAbort notes the code and the message in the header block of a reply that the
// transport wrote by itself (upstream: writeEarlyAbort).
func (s *stream) noteEarlyAbort(block []byte) {
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
	} else if code, ok := codeOfHTTPStatus[httpStatus]; ok {
		s.rec.SetCode(uint32(code), message)
	}
}

// codeOfHTTPStatus holds the gRPC codes of operateHeaders' refusals by their HTTP status, for
// replies of which only the status can be decoded.
var codeOfHTTPStatus = map[string]codes.Code{
	"400": codes.Internal,
	"405": codes.Internal,
	"415": codes.InvalidArgument,
}

// noteResetSent notes that the server reset the stream. If the stream has no handler, the
// error code of the reset is noted as the gRPC code that a client makes of it; a handler
// reports its own.
func (s *stream) noteResetSent(payload []byte) {
	reason := http2.ErrCodeInternal
	if len(payload) >= 4 {
		reason = http2.ErrCode(binary.BigEndian.Uint32(payload))
	}
	if s.isDeadlineReset(reason) {
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

// isDeadlineReset reports whether a reset comes from the transport's timer, which ends a stream
// at its deadline whatever the handler does.
func (s *stream) isDeadlineReset(reason http2.ErrCode) bool {
	if !s.handed.Load() || reason != http2.ErrCodeCancel {
		return false
	}
	_, limited := s.Deadline()
	return limited
}

// codeOfReset holds the gRPC code that a client makes of a reset, by HTTP/2's error code. All
// others become Internal.
var codeOfReset = map[http2.ErrCode]codes.Code{
	http2.ErrCodeRefusedStream:      codes.Unavailable,
	http2.ErrCodeCancel:             codes.Canceled,
	http2.ErrCodeEnhanceYourCalm:    codes.ResourceExhausted,
	http2.ErrCodeInadequateSecurity: codes.PermissionDenied,
}

// noteGoAway notes a GOAWAY with all requests that are under way.
//
// With GOAWAY the server asks a client to open another connection: because the server is
// being stopped, the connection is too old, or the client pings too often. A graceful GOAWAY
// comes twice: first with the highest possible stream ID, then, when the client has answered a
// ping, with the last stream that will be served. Later streams are dropped without a reply.
func (c *serverConn) noteGoAway(payload []byte) {
	if len(payload) < 8 {
		return
	}
	last := binary.BigEndian.Uint32(payload) &^ (1 << 31)
	reason := http2.ErrCode(binary.BigEndian.Uint32(payload[4:])).String()
	if debug := payload[8:]; len(debug) > 0 {
		reason += ", " + string(debug)
	}
	c.out.goAway.Store(&goAwayFrame{last, reason})
	c.streams.each(func(s *stream) {
		s.rec.Mark(record.MarkGoAway)
		c.endIfNotServed(s)
	})
}

// goAwayFrame is what a GOAWAY says.
type goAwayFrame struct {
	lastStream uint32 // streams with a higher ID are not served
	reason     string // the error code and the debug data
}

// endIfNotServed ends a request that came after the last one that will be served. It gets no
// reply; a gRPC client sends it again on another connection.
func (c *serverConn) endIfNotServed(s *stream) {
	goAway := c.out.goAway.Load()
	if goAway == nil || s.rec.StreamID() <= goAway.lastStream || s.handed.Load() || s.replyEnded() {
		return
	}
	s.rec.Mark(record.MarkGoAway)
	s.rec.SetCode(uint32(codes.Unavailable), fmt.Sprintf("not served: the server had said GOAWAY (%s)", goAway.reason))
	s.done(record.EventWire)
}
