package front

import (
	"sync/atomic"

	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
)

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
