package front

import (
	"encoding/binary"
	"sync/atomic"

	"glasskv/server/seam/frames"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	"golang.org/x/net/http2"
)

// HTTP/2 lets a receiver bound what is sent to it: each stream and the whole
// connection have a window, DATA takes from both, and WINDOW_UPDATE gives back.
// When a window is empty loopyWriter stops, and a reply that was ready waits. The
// seam sees all frames in both directions, so it can do the same sums.

// windows are what the client allows to be sent to it. The writing half takes,
// the reading half gives.
type windows struct {
	conn    atomic.Int64 // of the connection, in bytes
	initial atomic.Int64 // of each stream, in bytes
	unknown atomic.Bool  // a frame that changes them was not seen whole; the sums do not hold any more
	dry     atomic.Int64 // when the connection's window was found empty; 0 while it is not
}

func (w *windows) reset() {
	w.conn.Store(frames.DefaultWindow)
	w.initial.Store(frames.DefaultWindow)
}

// took is called when DATA leaves. Only a stream that has more to send can be
// held up by what is left.
func (c *serverConn) took(s *stream, h frames.Head) {
	w := &c.windows
	if since := w.dry.Load(); since != 0 && h.Length > 0 {
		w.dry.Store(0)
		at := record.Now()
		c.streams.all(func(other *stream) { other.resumed(since, at) })
	}
	if since := s.blocked.Swap(0); since != 0 {
		s.resumed(since, record.Now())
	}
	left, own := w.conn.Add(-int64(h.Length)), s.window.Add(-int64(h.Length))
	if w.unknown.Load() {
		return
	}
	if own+w.initial.Load() <= 0 {
		s.blocked.Store(record.Now())
	}
	if left <= 0 {
		w.dry.Store(record.Now())
	}
}

// resumed notes how long a reply was held up. While the handler still runs it is
// the handler that waits, in SendMsg, so only what lies within the flush counts.
func (s *stream) resumed(since, now int64) {
	flush, _ := s.rec.Stamps(stages.Flush)
	if flush == 0 || s.gone() {
		return
	}
	if since = max(since, flush); since < now {
		s.rec.Repeat(stages.FlowControl, since, now)
	}
}

// stuck notes that a reply is over which was still held up.
func (c *serverConn) stuck(s *stream) {
	since := s.blocked.Swap(0)
	if since == 0 {
		since = c.windows.dry.Load()
	}
	if since != 0 && s.written.Load() > 0 {
		s.resumed(since, record.Now())
	}
}

// gave is called when the client changes a window. The payload is nil when it
// was not in the buffer as a whole: then the sums are given up.
func (c *serverConn) gave(h frames.Head, payload []byte) {
	w := &c.windows
	switch {
	case payload == nil:
		w.unknown.Store(true)
	case h.Kind == http2.FrameSettings:
		w.settings(payload)
	case len(payload) < 4:
	default:
		more := int64(binary.BigEndian.Uint32(payload) &^ (1 << 31)) // the first bit is reserved
		if h.Stream == 0 {
			w.conn.Add(more)
		} else if s := c.streams.find(h.Stream); s != nil {
			s.window.Add(more)
		}
	}
}

func (w *windows) settings(payload []byte) {
	for ; len(payload) >= frames.SettingLen; payload = payload[frames.SettingLen:] {
		if http2.SettingID(binary.BigEndian.Uint16(payload)) == http2.SettingInitialWindowSize {
			w.initial.Store(int64(binary.BigEndian.Uint32(payload[2:])))
		}
	}
}
