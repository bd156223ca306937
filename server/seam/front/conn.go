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

// serverConn is a connection as the transport has it: above the credentials, so
// that frames pass in clear. One goroutine reads it and one writes to it; each
// has its half. Close may come from anywhere.
type serverConn struct {
	net.Conn
	o       *Front
	trace   *record.Conn
	addr    connAddr
	streams streams
	in      incoming
	out     outgoing
	windows windows
	narrow  narrowing
	quota   fault.Quota
	over    atomic.Bool // serveStreams has returned
}

func newServerConn(o *Front, conn net.Conn, tc *record.Conn) *serverConn {
	c := &serverConn{Conn: conn, o: o, trace: tc}
	c.addr = connAddr{conn.RemoteAddr(), c}
	c.windows.reset()
	c.narrow.bytes = o.faults.Window(tc)
	c.in = incoming{buf: newReadBuffer(conn), Counter: frames.AfterPreface()}
	return c
}

// connAddr is the peer's address with the connection in it. The address is all
// of a connection that grpc-go shows to a stats handler.
type connAddr struct {
	net.Addr
	conn *serverConn
}

// RemoteAddr returns the peer's address, in which TagConn finds the connection.
func (c *serverConn) RemoteAddr() net.Addr { return c.addr }

// SyscallConn gives channelz the socket's options.
func (c *serverConn) SyscallConn() (syscall.RawConn, error) { return syscallConn(c.Conn) }

// Close ends every request whose reply is not out. A reply that is being written
// at this moment is left to the Write that it is in: the socket is closed by
// now, so that Write cannot wait, and it knows better whether the reply got out.
func (c *serverConn) Close() error {
	err := c.Conn.Close()
	if _, handled := c.trace.Stamps(stages.HandleRawConn); handled != 0 {
		if begin, _ := c.trace.Stamps(stages.ServeStreams); begin == 0 {
			c.trace.Fail("closed before serveStreams")
		}
	}
	c.streams.all(func(s *stream) {
		if !s.ending.Load() && !s.gone() {
			c.lose(s)
		}
	})
	return err
}

// lose ends a request whose reply will not get out any more.
func (c *serverConn) lose(s *stream) {
	c.stuck(s)
	s.rec.Mark(record.MarkConnClosed)
	if c.o.stopping.Load() {
		s.rec.Mark(record.MarkStopping)
	}
	s.done(record.EventWire)
}

// served is called when serveStreams is over: no byte will be read or written
// any more, and it is the goroutine that read the connection which says so. What
// is left then are handlers that still run, and requests that no handler will
// ever take up.
func (c *serverConn) served() {
	c.streams.all(func(s *stream) {
		if !s.gone() {
			c.lose(s)
		}
		if !s.handed.Load() {
			c.turnedAway(s)
		}
		c.o.abandon(s)
		s.done(record.EventRead)
	})
	c.over.Store(true)
	c.o.forget(c)
}

// abandon ends a request that was handed on and has no handler, once its status
// can no longer be written: grpc-go says nothing more of it then.
func (o *Front) abandon(s *stream) {
	if !s.rec.Has(record.MarkBegun) && !o.handles(s.method) {
		s.done(record.EventHandled)
	}
}

// forget drops a connection that is over and has no unfinished request.
func (o *Front) forget(c *serverConn) {
	if c.over.Load() && c.streams.all(func(*stream) {}) == 0 {
		o.conns.Delete(c)
	}
}

// incoming is the reading half of a serverConn. It is used by the one goroutine
// that reads: first handleRawConn's, for the handshake, then serveStreams'.
//
// The transport reads a frame's head, then its payload, then acts on the frame,
// and only then reads the next head. That order is what the seam lives on: the
// headers that were read last are those that operateHeaders is busy with, and
// the next Read tells that it is done with them.
type incoming struct {
	buf     readBuffer
	Counter frames.Counter
	serving bool  // the handshake is over; HEADERS are requests from here on
	splitAt int64 // when the first byte of a head came that has come in pieces

	highest uint32      // the highest stream ID so far
	latest  *stream     // whose headers were read last, until the next Read after them
	block   []byte      // its header block, if that was in the buffer as a whole
	flags   http2.Flags // and the flags in front of it
	past    bool        // its header block is consumed

	alien bool  // the client's greeting is not HTTP/2's
	err   error // what reading ended with
}

// Read hands the transport the next bytes and notes the frames that they are.
func (c *serverConn) Read(p []byte) (int, error) {
	if c.in.past {
		c.pastHeaders()
	}
	n, err := c.in.buf.read(p)
	if err != nil {
		c.in.err = err
	}
	c.in.greet(p[:n])
	c.consumed(p[:n])
	return n, err
}

// pastHeaders is called when operateHeaders has returned.
func (c *serverConn) pastHeaders() {
	s := c.in.latest
	s.done(record.EventRead)
	if !s.handed.Load() {
		c.turnedAway(s)
	}
	c.in.latest, c.in.block, c.in.past = nil, nil, false
}

func (c *serverConn) consumed(p []byte) {
	in := &c.in
	for {
		n, edge := in.Counter.Next(p)
		p = p[n:]
		switch edge {
		case frames.Began:
			c.frameCame(in.Counter.Head)
			in.splitAt = 0
		case frames.Ended:
			if in.latest != nil && in.Counter.Head.EndsBlock() {
				in.headersCame()
			}
		case frames.NoEdge:
			if in.splitAt == 0 && in.Counter.Split() {
				in.splitAt = record.Now()
			}
			return
		}
	}
}

func (c *serverConn) frameCame(h frames.Head) {
	switch h.Kind {
	case http2.FrameHeaders:
		c.requestCame(h)
	case http2.FrameContinuation, http2.FrameData:
		if s := c.streams.find(h.Stream); s != nil {
			s.rec.AddIn(h.Size())
		}
	case http2.FrameRSTStream:
		if s := c.streams.find(h.Stream); s != nil {
			c.reset(s)
		}
	case http2.FrameWindowUpdate, http2.FrameSettings:
		if h.Length > 0 {
			c.gave(h, c.in.buf.peek(int(h.Length)))
		}
	}
}

// requestCame begins the record of a request. A client's streams are odd and
// count up; other HEADERS are no request and the transport refuses them.
func (c *serverConn) requestCame(h frames.Head) {
	in := &c.in
	if !in.serving || h.Stream%2 == 0 || h.Stream <= in.highest {
		return
	}
	in.highest = h.Stream
	in.latest, in.block, in.past = nil, nil, false
	stamp := in.splitAt
	if stamp == 0 {
		stamp = record.Now()
	}
	rec := c.o.rec.Start(c.trace, h.Stream, stamp)
	if rec == nil {
		return
	}
	rec.AddIn(h.Size())
	if block := in.buf.peek(int(h.Length)); block != nil {
		in.block, in.flags = block, h.Flags
		rec.BeginAt(stages.OperateHeaders, stamp)
	}
	if c.out.said.Load() != nil {
		rec.Mark(record.MarkGoAway)
	}
	in.latest = &stream{rec: rec, conn: c}
	c.streams.add(in.latest)
}

// headersCame is called when a header block is whole. Where it came in pieces,
// operateHeaders begins only now.
func (in *incoming) headersCame() {
	in.past = true
	if in.block == nil {
		in.latest.rec.Begin(stages.OperateHeaders)
	}
}

// reset is called when the client has reset a stream. The transport writes
// nothing for it from here on. A client that has the whole reply and has not
// ended its own direction resets the stream as well; that is not noted.
func (c *serverConn) reset(s *stream) {
	if s.ending.Load() || s.gone() {
		return
	}
	c.stuck(s)
	s.rec.Mark(record.MarkReset)
	c.o.abandon(s)
	s.done(record.EventWire)
}

// greet compares the first bytes of a connection with HTTP/2's preface.
func (in *incoming) greet(p []byte) {
	if left := in.Counter.Preface; left > 0 {
		p = p[:min(len(p), left)]
		expected := http2.ClientPreface[len(http2.ClientPreface)-left:]
		in.alien = in.alien || string(p) != expected[:len(p)]
	}
}

// whyFailed says why the handshake came to nothing.
func (in *incoming) whyFailed() string {
	switch {
	case in.alien:
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

// outgoing is the writing half of a serverConn. It is used by the one goroutine
// that writes, which is loopyWriter's once the handshake is over. A Write holds
// many frames of many streams, and a frame may be spread over two of them.
type outgoing struct {
	Counter frames.Counter
	said    atomic.Pointer[farewell] // in the last GOAWAY
	last    *stream                  // whose last frame is passing
	ended   []*stream                // whose last frame is complete with this Write; kept for its memory
}

// Write writes to the connection and ends the requests whose reply is out with
// that.
func (c *serverConn) Write(p []byte) (int, error) {
	c.passing(p)
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
		s.flushed(begin, end)
	}
	c.out.ended = c.out.ended[:0]
	return n, err
}

// flushed is called when the reply's last frame is with the kernel.
func (s *stream) flushed(begin, end int64) {
	if _, read := s.rec.Stamps(stages.OperateHeaders); !s.handed.Load() && read != 0 {
		begin = min(begin, read) // turned away: the reply waited since then
	}
	s.rec.BeginAt(stages.Flush, begin) // unless OutTrailer was first, as it mostly is
	s.rec.EndAt(stages.Flush, end)
	s.done(record.EventWire)
}

// passing looks at the frames that are about to be written.
func (c *serverConn) passing(p []byte) {
	out := &c.out
	for {
		n, edge := out.Counter.Next(p)
		p = p[n:]
		switch edge {
		case frames.NoEdge:
			return
		case frames.Began:
			c.frameLeaves(out.Counter.Head, p)
		case frames.Ended:
			if out.last != nil && !out.Counter.Head.Continues() {
				out.last.ending.Store(true)
				out.ended = append(out.ended, out.last)
				out.last = nil
			}
		}
	}
}

// frameLeaves notes a frame whose payload, or the beginning of it, is in rest.
func (c *serverConn) frameLeaves(h frames.Head, rest []byte) {
	switch h.Kind {
	case http2.FrameGoAway:
		c.goAway(rest[:min(len(rest), int(h.Length))])
		return
	case http2.FrameHeaders, http2.FrameContinuation, http2.FrameData, http2.FrameRSTStream:
	default:
		return // not a stream's, or not a reply's
	}
	s := c.streams.find(h.Stream)
	if s == nil || s.ending.Load() || s.gone() {
		return
	}
	s.written.Add(1)
	s.rec.AddOut(h.Size())
	payload := rest[:min(len(rest), int(h.Length))]
	if h.Kind == http2.FrameData {
		c.took(s, h)
	}
	switch {
	case h.Kind == http2.FrameRSTStream:
		c.stuck(s)
		s.resetSent(payload)
		c.out.last = s
	case h.Ends():
		s.blocked.Store(0) // trailers need no window
		if !s.handed.Load() {
			s.answered(payload)
		}
		c.out.last = s
	}
}
