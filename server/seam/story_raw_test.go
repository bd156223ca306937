package seam

import (
	"fmt"
	"strings"

	"glasskv/server/seam/seamtest"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
)

// raw sends a Put frame by frame, with headers replaced as the script says
// (none takes one away), and waits for its end unless it has a name. Bare, it
// has no body.
func (s *story) raw(w words) string {
	s.settle()
	c := s.rawConn(w.named("conn", "raw"))
	headers := seamtest.PutHeaders()
	for _, name := range []string{":path", ":authority", "content-type", "grpc-timeout", "client-api-version"} {
		if value, given := w.Arg(strings.TrimPrefix(name, ":")); given {
			headers = seamtest.With(headers, name, strings.NewReplacer("none", "", "¿", "\xff").Replace(value.Vals[0]))
		}
	}
	c.stream += 2
	c.Headers(c.stream-1, w.has("bare"), headers)
	if !w.has("bare") {
		c.Message(c.stream-1, &pb.PutRequest{Key: []byte("k"), Value: []byte("v")}, true)
	}
	if w.has("as") {
		s.streams[w.named("as", "")] = rawCall{c, c.stream - 1}
		return ""
	}
	return s.rawReply(rawCall{c, c.stream - 1}) + s.records(1, "", w)
}

// storyRaw is a connection that counts its streams.
type storyRaw struct {
	*seamtest.Client
	stream uint32 // the next one is one less
}

// rawCall is a request on such a connection.
type rawCall struct {
	*storyRaw
	id uint32
}

func (s *story) rawConn(name string) *storyRaw {
	if s.raws[name] == nil {
		s.raws[name] = &storyRaw{seamtest.Dial(s, s.node.Endpoint()), 0}
	}
	return s.raws[name]
}

// rawEnded waits for the end of the stream of that name: ended NAME [alone]. Alone
// it leaves the record for later.
func (s *story) rawEnded(w words) string {
	reply := s.rawReply(s.streams[w.at(0)])
	if w.has("alone") {
		return reply
	}
	return reply + s.records(1, "", w)
}

// rawReply reads up to the end of a stream and says what that was.
func (s *story) rawReply(c rawCall) string {
	switch f := c.Ended(c.id).(type) {
	case *http2.RSTStreamFrame:
		return fmt.Sprintf("client: the stream was reset: %s\n", f.ErrCode)
	case *http2.MetaHeadersFrame:
		said := "client:"
		for _, field := range f.Fields {
			switch field.Name {
			case ":status", "grpc-status", "grpc-message":
				said += fmt.Sprintf(" %s: %s", field.Name, field.Value)
			}
		}
		return said + "\n"
	default:
		return fmt.Sprintf("client: %v\n", f)
	}
}

func (s *story) must(err error) {
	if err != nil {
		s.Fatal(err)
	}
}
