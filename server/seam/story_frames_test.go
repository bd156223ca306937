package seam

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"glasskv/server/practice"
	"glasskv/server/seam/seamtest"

	"golang.org/x/net/http2"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What stories do on connections that they write to by hand.

func (s *story) hello(w words) string {
	c := seamtest.DialTCP(s, s.node.Endpoint())
	var settings []http2.Setting
	if window := w.namedNumber("window"); window > 0 {
		settings = append(settings, http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(window)})
	}
	c.Hello(settings...)
	s.raws[w.at(0)] = &storyRaw{c, 0}
	return ""
}

func (s *story) page(w words) string {
	s.settle()
	c := s.rawConn(w.at(0))
	c.stream += 2
	c.Headers(c.stream-1, false, seamtest.With(seamtest.PutHeaders(), ":path", practice.Page))
	c.Message(c.stream-1, wrapperspb.Int64(int64(w.number(1))), true)
	s.streams[w.named("as", "page")] = rawCall{c, c.stream - 1}
	return ""
}

// take reads DATA up to exactly so many bytes: there are no more.
func (s *story) take(w words) string {
	c, left := s.rawConn(w.at(0)), w.number(1)
	c.Until("DATA", func(f http2.Frame) bool {
		if f.Header().Type == http2.FrameData {
			left -= int(f.Header().Length)
		}
		return left <= 0
	})
	if left < 0 {
		return fmt.Sprintf("client: %d bytes too many\n", -left)
	}
	return ""
}

func (s *story) allow(w words) string {
	c := s.rawConn(w.at(0))
	s.must(c.Fr.WriteWindowUpdate(c.stream-1, uint32(w.number(1))))
	return ""
}

func (s *story) pings(w words) string {
	c := s.rawConn(w.at(0))
	for i := range w.number(1) {
		s.must(c.Fr.WritePing(false, [8]byte{byte(i)}))
	}
	return ""
}

func (s *story) awaitGoAway(w words) string {
	f := s.rawConn(w.at(0)).Until("GOAWAY", func(f http2.Frame) bool {
		g, ok := f.(*http2.GoAwayFrame)
		return ok && (!w.has("final") || g.LastStreamID != 1<<31-1)
	})
	g, _ := f.(*http2.GoAwayFrame)
	return fmt.Sprintf("client: GOAWAY %s %q, last stream %d\n", g.ErrCode, g.DebugData(), g.LastStreamID)
}

func (s *story) gone(w words) string {
	c := s.rawConn(w.at(0))
	for {
		f, err := c.Fr.ReadFrame()
		if err != nil {
			return "client: the server hung up\n"
		}
		if p, ping := f.(*http2.PingFrame); ping && !p.IsAck() && !w.has("deaf") {
			s.must(c.Fr.WritePing(true, p.Data))
		}
	}
}

// greet says what the script says; preface stands for HTTP/2's.
func (s *story) greet(w words) string {
	conn, err := new(net.Dialer).DialContext(seamtest.Limit(s), "tcp", s.node.Endpoint())
	s.must(err)
	s.Cleanup(func() { _ = conn.Close() })
	s.must(conn.SetDeadline(time.Now().Add(30 * time.Second)))
	greeting := strings.Repeat(w.at(0)+"\r\n", 10)
	if w.at(0) == "preface" {
		greeting = http2.ClientPreface
	}
	_, err = io.WriteString(conn, greeting)
	s.must(err)
	_, _ = io.Copy(io.Discard, conn)
	return "client: the server hung up\n" + s.records(1, "", w)
}
