package front

import (
	"encoding/binary"
	"fmt"

	"glasskv/trace/record"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
)

// With GOAWAY the server asks a client to open another connection: because it is
// being stopped, because the connection is too old, or because the client pings
// too much. A graceful one comes twice: first for all streams that there can ever
// be, then, when the client has answered a ping, with the last stream that will
// be served. A stream behind that one is dropped without a word.

// goAway notes that the server said so, with the requests that are under way.
func (c *serverConn) goAway(payload []byte) {
	if len(payload) < 8 {
		return
	}
	last := binary.BigEndian.Uint32(payload) &^ (1 << 31)
	reason := http2.ErrCode(binary.BigEndian.Uint32(payload[4:])).String()
	if debug := payload[8:]; len(debug) > 0 {
		reason += ", " + string(debug)
	}
	c.out.said.Store(&farewell{last, reason})
	c.streams.all(func(s *stream) {
		s.rec.Mark(record.MarkGoAway)
		c.tooLate(s)
	})
}

// farewell is what a GOAWAY said.
type farewell struct {
	last   uint32 // streams above this one are not served
	reason string
}

// tooLate ends a request that came after the last one that will be served. Nobody
// answers it; a gRPC client sends it again on another connection.
func (c *serverConn) tooLate(s *stream) {
	said := c.out.said.Load()
	if said == nil || s.rec.StreamID() <= said.last || s.handed.Load() || s.gone() {
		return
	}
	s.rec.Mark(record.MarkGoAway)
	s.rec.SetCode(uint32(codes.Unavailable), fmt.Sprintf("not served: the server had said GOAWAY (%s)", said.reason))
	s.done(record.EventWire)
}
