package front

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"glasskv/server/seam/fault"
	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
)

// serverConn is a connection as grpc-go's transport sees it: above the credentials, so that
// frames pass unencrypted. One goroutine at a time reads it, and one writes to it; each uses
// its own half. Close may be called by any goroutine.
type serverConn struct {
	net.Conn
	front   *Front
	trace   *record.Conn
	addr    connAddr
	streams streams
	in      incoming
	out     outgoing
	windows windows
	narrow  narrowing
	quota   fault.Quota // counts requests for the fault full-quota
	closed  atomic.Bool // nothing will be read or written any more
}

// newServerConn wraps conn for the transport. tc is the connection's trace.
func newServerConn(f *Front, conn net.Conn, tc *record.Conn) *serverConn {
	c := &serverConn{Conn: conn, front: f, trace: tc}
	c.addr = connAddr{conn.RemoteAddr(), c}
	c.windows.reset()
	c.narrow.bytes = f.faults.Window(tc)
	c.in = incoming{buf: newReadBuffer(conn), frames: frames.AfterPreface()}
	return c
}

// connAddr is the peer's address with the connection in it. The address is the only part
// of a connection that grpc-go shows to a stats handler.
type connAddr struct {
	net.Addr
	conn *serverConn
}

// RemoteAddr returns the peer's address, in which TagConn finds the connection.
func (c *serverConn) RemoteAddr() net.Addr { return c.addr }

// SyscallConn returns the socket, for channelz.
func (c *serverConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

// Close closes the connection and ends every request whose reply is not written. A reply
// that is being written is left to its Write, which knows whether it succeeded and cannot
// block, because the socket is closed.
func (c *serverConn) Close() error {
	err := c.Conn.Close()
	if _, handled := c.trace.Stamps(stages.HandleRawConn); handled != 0 {
		if begin, _ := c.trace.Stamps(stages.ServeStreams); begin == 0 {
			c.trace.Fail("closed before serveStreams")
		}
	}
	c.streams.each(func(s *stream) {
		if !s.ending.Load() && !s.replyEnded() {
			c.lose(s)
		}
	})
	return err
}

// lose ends a request whose reply can no longer be written.
func (c *serverConn) lose(s *stream) {
	c.endFlowControl(s)
	s.rec.Mark(record.MarkConnClosed)
	if c.front.stopping.Load() {
		s.rec.Mark(record.MarkStopping)
	}
	s.done(record.EventWire)
}

// endServeStreams is called by the goroutine that read the connection, when nothing will be
// read or written any more. It reports for every unfinished request the events that cannot
// come now. EventHandled still comes for those with a running handler.
func (c *serverConn) endServeStreams() {
	c.streams.each(func(s *stream) {
		if !s.replyEnded() {
			c.lose(s)
		}
		if !s.handed.Load() {
			c.endTurnedAway(s)
		}
		c.front.abandon(s)
		s.done(record.EventRead)
	})
	c.closed.Store(true)
	c.front.forget(c)
}

// abandon ends a request whose status can no longer be written, if no handler is registered for
// its method: grpc-go reports nothing more of it.
func (f *Front) abandon(s *stream) {
	if !s.rec.Has(record.MarkBegun) && !f.handles(s.method) {
		s.done(record.EventHandled)
	}
}

// forget removes a closed connection without unfinished requests.
func (f *Front) forget(c *serverConn) {
	if c.closed.Load() && c.streams.each(func(*stream) {}) == 0 {
		f.conns.Delete(c)
	}
}

// incoming is the reading half of a serverConn. It is used by the goroutine that reads the
// connection: handleRawConn's during the handshake, then serveStreams'.
//
// The transport reads a frame's head, then its payload, then acts on the frame, and only then
// reads the next head. The seam relies on that order: the headers that were read last are
// those that operateHeaders is working on, and the next Read shows that it has returned.
type incoming struct {
	buf     readBuffer
	frames  frames.Counter
	serving bool  // the handshake is over: HEADERS are requests from here on
	splitAt int64 // when the first byte of an incomplete head was read; 0 if the head is not split

	highest   uint32      // the highest stream ID so far
	latest    *stream     // the stream whose headers were read last; nil from the next Read on
	block     []byte      // the payload of its HEADERS frame, if the buffer held all of it; else nil
	flags     http2.Flags // the flags of that frame
	blockRead bool        // its header block was read to the end

	notHTTP2 bool  // the connection did not begin with HTTP/2's preface
	err      error // the last error of a Read
}

// Read implements net.Conn for the transport, and notes the frames that pass.
func (c *serverConn) Read(p []byte) (int, error) {
	if c.in.blockRead {
		c.endOperateHeaders()
	}
	n, err := c.in.buf.read(p)
	if err != nil {
		c.in.err = err
	}
	c.in.checkPreface(p[:n])
	c.noteIncoming(p[:n])
	return n, err
}

// endOperateHeaders is called when operateHeaders has returned for the latest stream.
func (c *serverConn) endOperateHeaders() {
	s := c.in.latest
	s.done(record.EventRead)
	if !s.handed.Load() {
		c.endTurnedAway(s)
	}
	c.in.latest, c.in.block, c.in.blockRead = nil, nil, false
}

// noteIncoming follows the frames in p, which the transport is about to consume.
func (c *serverConn) noteIncoming(p []byte) {
	in := &c.in
	for {
		n, edge := in.frames.Next(p)
		p = p[n:]
		switch edge {
		case frames.Began:
			c.beginIncoming(in.frames.Head)
			in.splitAt = 0
		case frames.Ended:
			if in.latest != nil && in.frames.Head.EndsBlock() {
				in.endHeaders()
			}
		case frames.NoEdge:
			if in.splitAt == 0 && in.frames.Split() {
				in.splitAt = record.Now()
			}
			return
		}
	}
}

// beginIncoming notes a frame whose head was read.
func (c *serverConn) beginIncoming(h frames.Head) {
	switch h.Kind {
	case http2.FrameHeaders:
		c.beginRequest(h)
	case http2.FrameContinuation, http2.FrameData:
		if s := c.streams.find(h.Stream); s != nil {
			s.rec.AddIn(h.Size())
		}
	case http2.FrameRSTStream:
		if s := c.streams.find(h.Stream); s != nil {
			c.noteReset(s)
		}
	case http2.FrameWindowUpdate, http2.FrameSettings:
		if h.Length > 0 {
			c.noteWindowChange(h, c.in.buf.peek(int(h.Length)))
		}
	}
}

// beginRequest begins the record of the request that a HEADERS frame opens. The stream IDs of
// a client are odd and ascending; other HEADERS are no request, and the transport refuses
// them.
func (c *serverConn) beginRequest(h frames.Head) {
	in := &c.in
	if !in.serving || h.Stream%2 == 0 || h.Stream <= in.highest {
		return
	}
	in.highest = h.Stream
	in.latest, in.block, in.blockRead = nil, nil, false
	stamp := in.splitAt
	if stamp == 0 {
		stamp = record.Now()
	}
	rec := c.front.rec.Start(c.trace, h.Stream, stamp)
	if rec == nil {
		return
	}
	rec.AddIn(h.Size())
	if block := in.buf.peek(int(h.Length)); block != nil {
		in.block, in.flags = block, h.Flags
		rec.BeginAt(stages.OperateHeaders, stamp)
	}
	if c.out.goAway.Load() != nil {
		rec.Mark(record.MarkGoAway)
	}
	in.latest = &stream{rec: rec, conn: c}
	c.streams.add(in.latest)
}

// endHeaders is called when the latest stream's header block was read to the end. If it came
// in pieces, operateHeaders begins only now.
func (in *incoming) endHeaders() {
	in.blockRead = true
	if in.block == nil {
		in.latest.rec.Begin(stages.OperateHeaders)
	}
}

// noteReset is called when the client has reset a stream. The transport writes nothing more
// on it. A client also resets a stream if it has the whole reply before it has ended its own
// direction; that is not noted.
func (c *serverConn) noteReset(s *stream) {
	if s.ending.Load() || s.replyEnded() {
		return
	}
	c.endFlowControl(s)
	s.rec.Mark(record.MarkReset)
	c.front.abandon(s)
	s.done(record.EventWire)
}

// checkPreface compares the first bytes of the connection with HTTP/2's preface.
func (in *incoming) checkPreface(p []byte) {
	if left := in.frames.Preface; left > 0 {
		p = p[:min(len(p), left)]
		expected := http2.ClientPreface[len(http2.ClientPreface)-left:]
		in.notHTTP2 = in.notHTTP2 || string(p) != expected[:len(p)]
	}
}

// failureReason says why the handshake failed.
func (in *incoming) failureReason() string {
	switch {
	case in.notHTTP2:
		return "the client does not speak HTTP/2"
	case errors.Is(in.err, io.EOF):
		return "the client closed it during the handshake"
	case errors.Is(in.err, os.ErrDeadlineExceeded):
		return "the client did not complete the handshake in time"
	case in.err != nil:
		return fmt.Sprintf("handshake: %v", in.err)
	}
	return "the client did not begin with SETTINGS"
}

// outgoing is the writing half of a serverConn. It is used by the goroutine that writes to the
// connection, which is loopyWriter's once the handshake is over. A Write may hold many frames
// of many streams, and a frame may be spread over two Writes.
type outgoing struct {
	frames frames.Counter
	goAway atomic.Pointer[goAwayFrame] // the last GOAWAY that was written; nil if there was none
	last   *stream                     // the stream whose last frame is being noted
	ended  []*stream                   // the streams whose last frame ends in this Write; the memory is reused
}

// Write implements net.Conn for the transport. It ends the requests whose reply was written
// completely with p.
func (c *serverConn) Write(p []byte) (int, error) {
	c.noteOutgoing(p)
	if len(c.out.ended) == 0 {
		return c.send(p)
	}
	begin := record.Now()
	n, err := c.send(p)
	end := record.Now()
	for i, s := range c.out.ended {
		c.out.ended[i] = nil
		if err != nil {
			c.lose(s)
			continue
		}
		s.endFlush(begin, end)
	}
	c.out.ended = c.out.ended[:0]
	return n, err
}

// endFlush is called when the Write with the reply's last frame has returned.
func (s *stream) endFlush(begin, end int64) {
	if _, read := s.rec.Stamps(stages.OperateHeaders); !s.handed.Load() && read != 0 {
		begin = min(begin, read) // turned away: the reply has waited since operateHeaders ended
	}
	s.rec.BeginAt(stages.Flush, begin) // no effect if OutTrailer came first, as it usually does
	s.rec.EndAt(stages.Flush, end)
	s.done(record.EventWire)
}

// noteOutgoing follows the frames in p, which are about to be written.
func (c *serverConn) noteOutgoing(p []byte) {
	out := &c.out
	for {
		n, edge := out.frames.Next(p)
		p = p[n:]
		switch edge {
		case frames.NoEdge:
			return
		case frames.Began:
			c.beginOutgoing(out.frames.Head, p)
		case frames.Ended:
			if out.last != nil && !out.frames.Head.Continues() {
				out.last.ending.Store(true)
				out.ended = append(out.ended, out.last)
				out.last = nil
			}
		}
	}
}

// beginOutgoing notes a frame whose head has passed. The payload, or the part of it that is in
// this Write, is at the beginning of rest.
func (c *serverConn) beginOutgoing(h frames.Head, rest []byte) {
	switch h.Kind {
	case http2.FrameGoAway:
		c.noteGoAway(rest[:min(len(rest), int(h.Length))])
		return
	case http2.FrameHeaders, http2.FrameContinuation, http2.FrameData, http2.FrameRSTStream:
	default:
		return // not part of a reply
	}
	s := c.streams.find(h.Stream)
	if s == nil || s.ending.Load() || s.replyEnded() {
		return
	}
	s.written.Add(1)
	s.rec.AddOut(h.Size())
	payload := rest[:min(len(rest), int(h.Length))]
	if h.Kind == http2.FrameData {
		c.noteData(s, h)
	}
	switch {
	case h.Kind == http2.FrameRSTStream:
		c.endFlowControl(s)
		s.noteResetSent(payload)
		c.out.last = s
	case h.Ends():
		s.blocked.Store(0) // trailers need no window
		if !s.handed.Load() {
			s.noteEarlyAbort(payload)
		}
		c.out.last = s
	}
}
