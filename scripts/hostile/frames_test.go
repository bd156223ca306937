package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// headersWithoutEnd opens a stream with a header block that goes on for ever.
func headersWithoutEnd(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		if err := a.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.encode(put())}); err != nil {
			return err
		}
		if err := untilRefused(w.size(1<<10, 16<<10), func(i int) error { // 16 MiB, 256 MiB
			return a.framer.WriteContinuation(1, false, a.encode([]hpack.HeaderField{{
				Name: "x-" + strconv.Itoa(i), Value: strings.Repeat("v", 16<<10-64), Sensitive: true,
			}}))
		}); err != nil {
			return err
		}
		return a.mustHangUp()
	})
}

// continuationFlood sends CONTINUATION frames that hold nothing.
func continuationFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		if err := a.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: a.encode(put())}); err != nil {
			return err
		}
		return untilRefused(w.size(20_000, 1_000_000), func(int) error {
			return a.framer.WriteContinuation(1, false, nil)
		})
	})
}

// hugeHeaders sends requests with 64 KiB of headers each.
func hugeHeaders(ctx context.Context, w world) error {
	value := strings.Repeat("v", 4<<10)
	var more []hpack.HeaderField
	for i := range 16 {
		more = append(more, hpack.HeaderField{Name: "x-huge-" + strconv.Itoa(i), Value: value, Sensitive: true})
	}
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(200, 5_000), func(i int) error { return a.open(uint32(2*i+1), put(more...)) })
	})
}

// dataNowhere sends DATA on streams that were never opened, and on one that is
// over.
func dataNowhere(ctx context.Context, w world) error {
	for range w.size(20, 200) {
		if err := w.attack(ctx, func(a *attacker) error {
			if err := a.open(1, put()); err != nil {
				return err
			}
			if err := a.framer.WriteRSTStream(1, http2.ErrCodeCancel); err != nil {
				return err
			}
			return untilRefused(100, func(i int) error {
				return a.framer.WriteData([]uint32{1, 3, 1001, 4}[i%4], i%2 == 0, []byte("nowhere"))
			})
		}); err != nil {
			return err
		}
	}
	return nil
}

// windowOverflow raises the windows beyond what HTTP/2 allows.
func windowOverflow(ctx context.Context, w world) error {
	for i := range w.size(20, 200) {
		if err := w.attack(ctx, func(a *attacker) error {
			if err := a.open(1, put()); err != nil {
				return err
			}
			return untilRefused(100, func(int) error {
				return a.framer.WriteWindowUpdate(uint32(i%2), 1<<31-1)
			})
		}); err != nil {
			return err
		}
	}
	return nil
}

// rapidReset opens streams and takes each of them back at once.
func rapidReset(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(5_000, 200_000), func(i int) error {
			stream := uint32(2*i + 1)
			if err := a.open(stream, put()); err != nil {
				return err
			}
			return a.framer.WriteRSTStream(stream, http2.ErrCodeCancel)
		})
	})
}

// madeReset makes the server reset the streams: DATA beyond the message that a
// header announced, on stream after stream.
func madeReset(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(5_000, 200_000), func(i int) error {
			stream := uint32(2*i + 1)
			if err := a.open(stream, put()); err != nil {
				return err
			}
			return a.framer.WriteWindowUpdate(stream, 1<<31-1)
		})
	})
}

// settingsFlood changes the settings again and again and takes no notice of the
// acknowledgements.
func settingsFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(20_000, 500_000), func(i int) error {
			return a.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(i % 1000)})
		})
	})
}

// pingFlood asks for answers all the time.
func pingFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(20_000, 500_000), func(i int) error {
			return a.framer.WritePing(false, [8]byte{byte(i), byte(i >> 8)})
		})
	})
}

// emptyFrames sends DATA that holds nothing and does not end the stream.
func emptyFrames(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		if err := a.open(1, put()); err != nil {
			return err
		}
		return untilRefused(w.size(20_000, 1_000_000), func(int) error {
			return a.framer.WriteData(1, false, nil)
		})
	})
}

// priorityFlood sends frames that have no meaning any more.
func priorityFlood(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(20_000, 500_000), func(i int) error {
			return a.framer.WritePriority(uint32(2*i+1), http2.PriorityParam{StreamDep: 0, Weight: 1})
		})
	})
}

// openStreams opens as many streams as it can and sends nothing on them.
func openStreams(ctx context.Context, w world) error {
	return w.attack(ctx, func(a *attacker) error {
		return untilRefused(w.size(2_000, 50_000), func(i int) error { return a.open(uint32(2*i+1), put()) })
	})
}

// endlessBody sends a message that is announced as 4 GiB.
func endlessBody(ctx context.Context, w world) error {
	chunk := make([]byte, 16<<10)
	return w.attack(ctx, func(a *attacker) error {
		if err := a.open(1, put()); err != nil {
			return err
		}
		if err := a.framer.WriteData(1, false, []byte{0, 0xff, 0xff, 0xff, 0xff}); err != nil {
			return err
		}
		return untilRefused(w.size(1_000, 20_000), func(int) error { // 16 MiB, 320 MiB
			return a.framer.WriteData(1, false, chunk)
		})
	})
}

// garbage sends random bytes that belong to no protocol.
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

// idleConnections opens connections and says nothing on them. A new client is
// still let in.
func idleConnections(ctx context.Context, w world) error {
	return w.connections(ctx, w.size(500, 10_000), func(net.Conn, int) error { return nil })
}

// When the server has no descriptors left, it neither spins nor ends: who is
// connected is served on, and who comes later is let in as soon as others leave.
func TestMoreConnectionsThanDescriptors(t *testing.T) {
	c := start(t, filesEnv+"=150")
	n := newNeighbour(t, c.Addr)
	if _, err := n.write(t.Context()); err != nil {
		t.Fatal(err)
	}
	w := world{addr: c.Addr}
	found, err := n.during(t.Context(), func(ctx context.Context) error {
		return w.connections(ctx, 300, func(net.Conn, int) error { return nil })
	})
	if err := errors.Join(err, found.err); err != nil {
		t.Fatal(err)
	}
	if _, err := newNeighbour(t, c.Addr).write(t.Context()); err != nil {
		t.Errorf("a client that came afterwards: %v", err)
	}
}

// connections opens count connections, does something on each, and keeps all of
// them until a new client has been served.
func (w world) connections(ctx context.Context, count int, act func(conn net.Conn, i int) error) error {
	var open []net.Conn
	defer func() {
		for _, conn := range open {
			_ = conn.Close()
		}
	}()
	for i := range count {
		conn, err := dial(ctx, w.addr)
		if err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		open = append(open, conn)
		if err := act(conn, i); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
	}
	if w.newcomer == nil {
		return nil
	}
	return w.newcomer(ctx)
}
