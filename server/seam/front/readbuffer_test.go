package front

import (
	"io"
	"net"
	"testing"
)

// The bytes that cmux has read are not lost on the way to the transport, however
// many there are and however they are asked for.
func TestTheTransportGetsWhatCmuxHasRead(t *testing.T) {
	const greeting, rest = "the preface and more", "and what came later"
	for _, size := range []int{1, 7, len(greeting), readBufferSize} {
		client, server := net.Pipe()
		go func() {
			_, _ = io.WriteString(client, greeting)
			_, _ = io.WriteString(client, rest)
			_ = client.Close()
		}()
		accepted := &acceptedConn{Conn: server}
		sniffed := make([]byte, len(greeting))
		if _, err := io.ReadFull(accepted, sniffed); err != nil {
			t.Fatal(err)
		}
		accepted.claimed.Store(true)
		given := &givenBack{Conn: accepted, bytes: sniffed}
		buf := newReadBuffer(given)
		var got []byte
		for p := make([]byte, size); ; {
			n, err := buf.read(p)
			got = append(got, p[:n]...)
			if err != nil {
				break
			}
		}
		if string(got) != greeting+rest {
			t.Errorf("%d bytes at a time: %q", size, got)
		}
	}
}

// givenBack gives back what was read from it before, as cmux does.
type givenBack struct {
	net.Conn
	bytes []byte
}

func (g *givenBack) NetConn() net.Conn { return g.Conn }

func (g *givenBack) Read(p []byte) (int, error) {
	if len(g.bytes) == 0 {
		return g.Conn.Read(p)
	}
	n := copy(p, g.bytes)
	g.bytes = g.bytes[n:]
	return n, nil
}
