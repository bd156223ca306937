package front

import (
	"encoding/binary"
	"net"
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

// narrowing makes a client's windows smaller than the server says. The SETTINGS frame
// that says so is put in front of the server's first one. When grpc-go measures that
// the connection can carry more, it raises its own window, and with it the quarter:
// what it announces then is made a quarter, and not less than the window asked for.
//
// The zero value changes nothing. It is used by the one goroutine that writes.
type narrowing struct {
	bytes uint32 // the window; zero: as the server says
	said  bool
	at    frames.Counter
}

// send writes to the connection, with windows changed if need be.
func (c *serverConn) send(p []byte) (int, error) {
	if c.narrow.bytes == 0 {
		return c.Conn.Write(p)
	}
	return c.narrow.write(c.Conn, p)
}

// write writes p, or what is to stand in its place. It counts the bytes of p, as a
// Write has to: none where it failed, for no caller makes use of a part.
func (n *narrowing) write(to net.Conn, p []byte) (int, error) {
	changed := n.settings(p)
	if !n.said {
		changed = append(windowSettings(n.bytes), changed...)
		n.said = true
	}
	if _, err := to.Write(changed); err != nil {
		return 0, err
	}
	return len(p), nil
}

// windowSettings is a SETTINGS frame with the initial window and nothing else.
func windowSettings(bytes uint32) []byte {
	frame := make([]byte, frames.HeadLen+frames.SettingLen)
	frame[2], frame[3] = frames.SettingLen, byte(http2.FrameSettings)
	binary.BigEndian.PutUint16(frame[frames.HeadLen:], uint16(http2.SettingInitialWindowSize))
	binary.BigEndian.PutUint32(frame[frames.HeadLen+2:], bytes)
	return frame
}

// settings returns p, or a copy of it in which the windows that the server announces
// are smaller. grpc-go writes a SETTINGS frame in one piece.
func (n *narrowing) settings(p []byte) []byte {
	out, rest := p, p
	for {
		taken, edge := n.at.Next(rest)
		rest = rest[taken:]
		switch edge {
		case frames.NoEdge:
			return out
		case frames.Began:
			if h := n.at.Head; h.Kind == http2.FrameSettings && int(h.Length) <= len(rest) {
				begin := len(p) - len(rest)
				if &out[0] == &p[0] {
					out = append([]byte(nil), p...) // p belongs to the caller
				}
				n.smaller(out[begin : begin+int(h.Length)])
			}
		case frames.Ended:
		}
	}
}

func (n *narrowing) smaller(payload []byte) {
	for ; len(payload) >= frames.SettingLen; payload = payload[frames.SettingLen:] {
		if http2.SettingID(binary.BigEndian.Uint16(payload)) == http2.SettingInitialWindowSize {
			announced := binary.BigEndian.Uint32(payload[2:])
			binary.BigEndian.PutUint32(payload[2:], min(announced, max(n.bytes, announced/4+1)))
		}
	}
}
