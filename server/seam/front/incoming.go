package front

import (
	"errors"
	"fmt"
	"io"
	"os"

	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
)

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
