package hostile

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"

	"golang.org/x/net/http2"
)

// garbage sends what is no protocol at all.
func garbage(ctx context.Context, w world) error {
	random := rand.NewChaCha8([32]byte{})
	return w.connections(ctx, w.size(20, 200), func(conn net.Conn, _ int) error {
		noise := make([]byte, 64<<10)
		_, _ = random.Read(noise)
		noise[0] |= 0x80 // no method of HTTP/1 and no preface begins like this
		_, _ = conn.Write(noise)
		return mustEnd(conn)
	})
}

// halfPreface begins to greet and falls silent. The connections stay open while
// the neighbour writes.
func halfPreface(ctx context.Context, w world) error {
	return w.connections(ctx, w.size(50, 500), func(conn net.Conn, i int) error {
		_, err := io.WriteString(conn, http2.ClientPreface[:1+i%(len(http2.ClientPreface)-1)])
		return err
	})
}

// prefaceOnly greets, and says nothing of its settings.
func prefaceOnly(ctx context.Context, w world) error {
	return w.connections(ctx, w.size(50, 500), func(conn net.Conn, _ int) error {
		_, err := io.WriteString(conn, http2.ClientPreface)
		return err
	})
}

// slowHTTP1 sends the headers of an HTTP/1 request and never the end of them.
func slowHTTP1(ctx context.Context, w world) error {
	return w.connections(ctx, w.size(50, 500), func(conn net.Conn, _ int) error {
		_, err := io.WriteString(conn, "POST /v3/kv/put HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
		return err
	})
}

// endlessHTTP1Headers sends header lines without end.
func endlessHTTP1Headers(ctx context.Context, w world) error {
	line := append(make([]byte, 0, 4<<10), "X-Line: "...)
	for len(line) < cap(line)-2 {
		line = append(line, 'x')
	}
	line = append(line, "\r\n"...)
	return w.connections(ctx, 4, func(conn net.Conn, _ int) error {
		if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: localhost\r\n"); err != nil {
			return err
		}
		for range w.size(4<<10, 64<<10) {
			if _, err := conn.Write(line); err != nil {
				return nil //nolint:nilerr // refused, as it should be
			}
		}
		return errors.New("the server took header lines without end")
	})
}

// endlessHTTP1Body posts a body that never ends to the gateway.
func endlessHTTP1Body(ctx context.Context, w world) error {
	chunk := append([]byte("1000\r\n"), make([]byte, 0x1000)...)
	for i := range chunk[6:] {
		chunk[6+i] = ' ' // white space is good JSON, however much there is of it
	}
	chunk = append(chunk, "\r\n"...)
	return w.connections(ctx, 4, func(conn net.Conn, _ int) error {
		if _, err := io.WriteString(conn, "POST /v3/kv/put HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
			return err
		}
		for range w.size(8<<10, 16<<10) { // 32 MiB, 64 MiB: more than the kernel takes for a server that reads no more
			if _, err := conn.Write(chunk); err != nil {
				return nil //nolint:nilerr // refused, as it should be
			}
		}
		return errors.New("the server took a body without end")
	})
}

// mustEnd reads until the server hangs up.
func mustEnd(conn net.Conn) error {
	_, err := io.Copy(io.Discard, conn)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("the server did not hang up")
	}
	return nil
}
