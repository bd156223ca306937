package hostile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// attackTime bounds every read and write of an attacker. A server that neither
// answers nor hangs up is not waited for any longer.
const attackTime = 30 * time.Second

// attacker is a connection on which everything can be sent. What the server
// answers is read all the time, so that it is never the server that waits.
type attacker struct {
	net.Conn
	framer *http2.Framer
	block  bytes.Buffer
	fields *hpack.Encoder

	reading sync.WaitGroup
	mu      sync.Mutex
	resets  int           // RST_STREAM frames of the server
	ended   error         // why reading ended
	goAway  http2.ErrCode // of the last GOAWAY
	gone    chan struct{} // closed when the server has hung up
}

// dial connects without sending anything.
func dial(ctx context.Context, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.SetDeadline(time.Now().Add(attackTime))
}

// greet connects and sends what a client must begin with.
func greet(ctx context.Context, addr string) (*attacker, error) {
	conn, err := dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	a := &attacker{Conn: conn, gone: make(chan struct{})}
	a.framer = http2.NewFramer(conn, conn)
	a.framer.AllowIllegalWrites = true
	a.fields = hpack.NewEncoder(&a.block)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := a.framer.WriteSettings(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	a.reading.Go(a.read)
	return a, nil
}

// read takes what the server sends until it hangs up. Nothing is acknowledged.
func (a *attacker) read() {
	defer close(a.gone)
	reader := http2.NewFramer(io.Discard, a.Conn)
	for {
		frame, err := reader.ReadFrame()
		a.mu.Lock()
		switch f := frame.(type) {
		case *http2.RSTStreamFrame:
			a.resets++
		case *http2.GoAwayFrame:
			a.goAway = f.ErrCode
		}
		a.mu.Unlock()
		var stream http2.StreamError
		if err != nil && !errors.As(err, &stream) {
			a.mu.Lock()
			a.ended = err
			a.mu.Unlock()
			return
		}
	}
}

// leave hangs up and waits for the reader.
func (a *attacker) leave() {
	_ = a.Conn.Close()
	a.reading.Wait()
}

// mustHangUp waits until the server has closed the connection.
func (a *attacker) mustHangUp() error {
	<-a.gone
	a.mu.Lock()
	defer a.mu.Unlock()
	var timeout net.Error
	if errors.As(a.ended, &timeout) && timeout.Timeout() {
		return fmt.Errorf("the server did not hang up within %v", attackTime)
	}
	return nil
}

// put are the fields of a Put.
func put(more ...hpack.HeaderField) []hpack.HeaderField {
	return append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":path", Value: "/etcdserverpb.KV/Put"},
		{Name: ":authority", Value: "hostile"},
		{Name: "content-type", Value: "application/grpc"},
		{Name: "te", Value: "trailers"},
	}, more...)
}

// encode returns the header block of fields.
func (a *attacker) encode(fields []hpack.HeaderField) []byte {
	a.block.Reset()
	for _, f := range fields {
		_ = a.fields.WriteField(f) // into memory
	}
	return a.block.Bytes()
}

// open begins a stream with the given fields.
func (a *attacker) open(stream uint32, fields []hpack.HeaderField) error {
	block, first := a.encode(fields), true
	for first || len(block) > 0 {
		part := block[:min(len(block), 16<<10)]
		block = block[len(part):]
		var err error
		if first {
			err = a.framer.WriteHeaders(http2.HeadersFrameParam{
				StreamID: stream, BlockFragment: part, EndHeaders: len(block) == 0,
			})
		} else {
			err = a.framer.WriteContinuation(stream, len(block) == 0, part)
		}
		if err != nil {
			return err
		}
		first = false
	}
	return nil
}

// untilRefused calls send up to count times. That the server hangs up meanwhile
// is what it should do to some, and no error.
func untilRefused(count int, send func(i int) error) error {
	for i := range count {
		if err := send(i); err != nil {
			return nil //nolint:nilerr // the server has had enough, and may
		}
	}
	return nil
}
