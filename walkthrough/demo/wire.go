package demo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
)

// wire is a client that writes HTTP/2 frames one by one, so that it can do what no
// gRPC client does. It must be used by one goroutine.
type wire struct {
	conn    net.Conn
	framer  *http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	last    uint32 // ID of the last stream

	ignorePings bool        // do not answer the server's pings
	detach      func() bool // detaches the connection from the context of dialWire
}

// dialWire connects, and sends nothing. The connection is closed when ctx ends.
func dialWire(ctx context.Context, addr string) (*wire, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	w := &wire{conn: conn, framer: http2.NewFramer(conn, conn)}
	w.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.encoder = hpack.NewEncoder(&w.block)
	w.detach = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return w, nil
}

// close closes the connection. It returns nil if the connection is closed already.
func (w *wire) close() error {
	w.detach()
	if err := w.conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// hello sends the preface and SETTINGS.
func (w *wire) hello(settings ...http2.Setting) error {
	if _, err := io.WriteString(w.conn, http2.ClientPreface); err != nil {
		return err
	}
	return w.framer.WriteSettings(settings...)
}

// call sends a request with one message, and more headers if given. It returns the
// request's stream.
func (w *wire) call(method string, m proto.Message, more ...hpack.HeaderField) (uint32, error) {
	body, err := proto.Marshal(m)
	if err != nil {
		return 0, err
	}
	if w.last += 2; w.last == 2 {
		w.last = 1
	}
	w.block.Reset()
	for _, f := range append([]hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"},
		{Name: ":path", Value: method}, {Name: ":authority", Value: "glasskv"},
		{Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"},
	}, more...) {
		// A sensitive field does not enter the dynamic table, so the server's seam,
		// which keeps no table, can decode each block by itself.
		f.Sensitive = true
		if err := w.encoder.WriteField(f); err != nil {
			return 0, err
		}
	}
	err = w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: w.last, BlockFragment: w.block.Bytes(), EndHeaders: true})
	if err != nil {
		return 0, err
	}
	const prefix = 5 // a flag that the message is not compressed, and its length
	framed := make([]byte, prefix, prefix+len(body))
	binary.BigEndian.PutUint32(framed[1:], uint32(len(body)))
	return w.last, w.framer.WriteData(w.last, true, append(framed, body...))
}

// readUntil reads up to the first frame that fits, and returns it. It answers
// SETTINGS and, unless ignorePings is set, pings.
func (w *wire) readUntil(fits func(http2.Frame) bool) (http2.Frame, error) {
	for {
		f, err := w.framer.ReadFrame()
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				err = w.framer.WriteSettingsAck()
			}
		case *http2.PingFrame:
			if !f.IsAck() && !w.ignorePings {
				err = w.framer.WritePing(true, f.Data)
			}
		}
		if err != nil {
			return nil, err
		}
		if fits(f) {
			return f, nil
		}
	}
}

// awaitHangUp reads until the server hangs up.
func (w *wire) awaitHangUp() { _, _ = w.readUntil(func(http2.Frame) bool { return false }) }

// awaitGoAway reads up to a GOAWAY. If final is set, it reads up to the GOAWAY that names
// the last stream that the server serves. It returns the frame as text.
func (w *wire) awaitGoAway(final bool) (string, error) {
	f, err := w.readUntil(func(f http2.Frame) bool {
		g, ok := f.(*http2.GoAwayFrame)
		return ok && (!final || g.LastStreamID != 1<<31-1)
	})
	if err != nil {
		return "", fmt.Errorf("wait for GOAWAY: %w", err)
	}
	g := f.(*http2.GoAwayFrame) //nolint:forcetypeassert // no other frame fits
	text := fmt.Sprintf("GOAWAY: %s, %s", g.ErrCode, g.DebugData())
	if final {
		text += fmt.Sprintf(", the last stream is %d", g.LastStreamID)
	}
	return text, nil
}

// awaitEnd reads up to the end of a stream, and returns the trailers or the
// RST_STREAM as text.
func (w *wire) awaitEnd(id uint32) (string, error) {
	f, err := w.readUntil(func(f http2.Frame) bool {
		h := f.Header()
		return h.StreamID == id && (h.Type == http2.FrameRSTStream || h.Type == http2.FrameHeaders && h.Flags.Has(http2.FlagHeadersEndStream))
	})
	switch f := f.(type) {
	case *http2.RSTStreamFrame:
		return "RST_STREAM: " + f.ErrCode.String(), nil
	case *http2.MetaHeadersFrame:
		return trailers(f), nil
	}
	return "", fmt.Errorf("wait for the reply: %w", err)
}

// trailers writes the status of a stream's last HEADERS.
func trailers(f *http2.MetaHeadersFrame) (text string) {
	for _, field := range f.Fields {
		if field.Name == "grpc-status" || field.Name == "grpc-message" && field.Value != "" {
			text += fmt.Sprintf("%s %s  ", field.Name, field.Value)
		}
	}
	return text
}

// readData reads DATA until it has n bytes.
func (w *wire) readData(n uint32) error {
	_, err := w.readUntil(func(f http2.Frame) bool {
		if f.Header().Type == http2.FrameData {
			n -= min(n, f.Header().Length)
		}
		return n == 0
	})
	return err
}
