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

// windows are the flow-control windows that the client grants on one connection. The writing
// half of the connection subtracts from them, the reading half adds.
//
// HTTP/2 lets a receiver limit what is sent to it. Each stream and the whole connection have
// a window: DATA takes from both, WINDOW_UPDATE adds to one. When a window is empty,
// loopyWriter stops, and a reply that is ready waits. The seam sees the frames of both
// directions, so it can compute the same windows.
type windows struct {
	conn       atomic.Int64 // what is left of the connection's window, in bytes
	initial    atomic.Int64 // the initial window of each stream, in bytes; stream.window is relative to it
	unreliable atomic.Bool  // a frame that changes a window was not seen as a whole, so the other fields are wrong
	emptySince atomic.Int64 // when the connection's window became empty; 0 while it is not
}

// reset sets the windows that HTTP/2 begins with.
func (w *windows) reset() {
	w.conn.Store(frames.DefaultWindow)
	w.initial.Store(frames.DefaultWindow)
}

// noteData is called when a DATA frame of s is about to be written: the waits for a window are
// over. If this frame empties a window, the next wait may begin here; it counts only if another
// frame follows.
func (c *serverConn) noteData(s *stream, h frames.Head) {
	w := &c.windows
	if since := w.emptySince.Load(); since != 0 && h.Length > 0 {
		w.emptySince.Store(0)
		at := record.Now()
		c.streams.each(func(other *stream) { other.noteFlowControl(since, at) })
	}
	if since := s.blocked.Swap(0); since != 0 {
		s.noteFlowControl(since, record.Now())
	}
	left, own := w.conn.Add(-int64(h.Length)), s.window.Add(-int64(h.Length))
	if w.unreliable.Load() {
		return
	}
	if own+w.initial.Load() <= 0 {
		s.blocked.Store(record.Now())
	}
	if left <= 0 {
		w.emptySince.Store(record.Now())
	}
}

// noteFlowControl stamps a wait of the reply for a window. While the handler runs, it is the
// handler that waits, in SendMsg, so only the part within Flush is stamped.
func (s *stream) noteFlowControl(since, now int64) {
	flush, _ := s.rec.Stamps(stages.Flush)
	if flush == 0 || s.replyEnded() {
		return
	}
	if since = max(since, flush); since < now {
		s.rec.Repeat(stages.FlowControl, since, now)
	}
}

// endFlowControl stamps the wait of a reply that has ended while it waited for a window.
func (c *serverConn) endFlowControl(s *stream) {
	since := s.blocked.Swap(0)
	if since == 0 {
		since = c.windows.emptySince.Load()
	}
	if since != 0 && s.written.Load() > 0 {
		s.noteFlowControl(since, record.Now())
	}
}

// noteWindowChange is called when the client changes a window. The payload is nil if it was not
// in the buffer as a whole; from then on no waits are stamped on this connection.
func (c *serverConn) noteWindowChange(h frames.Head, payload []byte) {
	w := &c.windows
	switch {
	case payload == nil:
		w.unreliable.Store(true)
	case h.Kind == http2.FrameSettings:
		w.setInitial(payload)
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

// setInitial applies the payload of a SETTINGS frame.
func (w *windows) setInitial(payload []byte) {
	for ; len(payload) >= frames.SettingLen; payload = payload[frames.SettingLen:] {
		if http2.SettingID(binary.BigEndian.Uint16(payload)) == http2.SettingInitialWindowSize {
			w.initial.Store(int64(binary.BigEndian.Uint32(payload[2:])))
		}
	}
}

// narrowing makes the window that the server grants each stream smaller, for the fault
// small-window. It puts a SETTINGS frame with the smaller window in front of the server's
// first SETTINGS frame. When grpc-go measures that the connection can carry more, it announces
// a larger window; a quarter of that is announced instead, but at least the smaller window.
// grpc-go grants more when a quarter of its own window was read, so a window below that
// quarter could block the client for good.
//
// The zero value changes nothing. It must be used by one goroutine.
type narrowing struct {
	bytes     uint32 // the smaller window; 0: change nothing
	announced bool   // the SETTINGS frame is written
	frames    frames.Counter
}

// send writes p to the connection, with smaller windows in it if the fault is on.
func (c *serverConn) send(p []byte) (int, error) {
	if c.narrow.bytes == 0 {
		return c.Conn.Write(p)
	}
	return c.narrow.write(c.Conn, p)
}

// write writes p with smaller windows, and returns the length of p as any Write does. If it
// fails it returns 0, because no caller uses the number then.
func (n *narrowing) write(to net.Conn, p []byte) (int, error) {
	changed := n.shrinkAll(p)
	if !n.announced {
		changed = append(windowSettings(n.bytes), changed...)
		n.announced = true
	}
	if _, err := to.Write(changed); err != nil {
		return 0, err
	}
	return len(p), nil
}

// windowSettings returns a SETTINGS frame with the initial window and nothing else.
func windowSettings(bytes uint32) []byte {
	frame := make([]byte, frames.HeadLen+frames.SettingLen)
	frame[2], frame[3] = frames.SettingLen, byte(http2.FrameSettings)
	binary.BigEndian.PutUint16(frame[frames.HeadLen:], uint16(http2.SettingInitialWindowSize))
	binary.BigEndian.PutUint32(frame[frames.HeadLen+2:], bytes)
	return frame
}

// shrinkAll returns p, or a copy of it with smaller windows in its SETTINGS frames. grpc-go
// writes a SETTINGS frame in one piece.
func (n *narrowing) shrinkAll(p []byte) []byte {
	out, rest := p, p
	for {
		taken, edge := n.frames.Next(rest)
		rest = rest[taken:]
		switch edge {
		case frames.NoEdge:
			return out
		case frames.Began:
			if h := n.frames.Head; h.Kind == http2.FrameSettings && int(h.Length) <= len(rest) {
				begin := len(p) - len(rest)
				if &out[0] == &p[0] {
					out = append([]byte(nil), p...) // p belongs to the caller
				}
				n.shrink(out[begin : begin+int(h.Length)])
			}
		case frames.Ended:
		}
	}
}

// shrink makes the windows in the payload of a SETTINGS frame smaller, in place.
func (n *narrowing) shrink(payload []byte) {
	for ; len(payload) >= frames.SettingLen; payload = payload[frames.SettingLen:] {
		if http2.SettingID(binary.BigEndian.Uint16(payload)) == http2.SettingInitialWindowSize {
			announced := binary.BigEndian.Uint32(payload[2:])
			binary.BigEndian.PutUint32(payload[2:], min(announced, max(n.bytes, announced/4+1)))
		}
	}
}
