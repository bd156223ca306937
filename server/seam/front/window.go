package front

import (
	"encoding/binary"
	"net"

	"glasskv/server/seam/frames"

	"golang.org/x/net/http2"
)

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
