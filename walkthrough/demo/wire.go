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

// wire is a client that writes its frames by hand, so that it can do what a gRPC
// client never would. It is used by one goroutine.
type wire struct {
	conn    net.Conn
	framer  *http2.Framer
	block   bytes.Buffer
	encoder *hpack.Encoder
	last    uint32 // the last stream's ID
	deaf    bool   // it does not answer pings
	detach  func() bool
}

// dialWire connects. The connection is closed when ctx ends.
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

// close hangs up. That the server was quicker is no error.
func (w *wire) close() error {
	w.detach()
	return ignoreClosed(w.conn.Close())
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// hello sends the preface and SETTINGS.
func (w *wire) hello(settings ...http2.Setting) error {
	if _, err := io.WriteString(w.conn, http2.ClientPreface); err != nil {
		return err
	}
	return w.framer.WriteSettings(settings...)
}

// call sends a request with one message and returns its stream.
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
		// Nothing is put into the table, so that the server's seam can read each
		// block by itself.
		f.Sensitive = true
		if err := w.encoder.WriteField(f); err != nil {
			return 0, err
		}
	}
	err = w.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: w.last, BlockFragment: w.block.Bytes(), EndHeaders: true})
	if err != nil {
		return 0, err
	}
	const prefix = 5 // not compressed, and the length
	framed := make([]byte, prefix, prefix+len(body))
	binary.BigEndian.PutUint32(framed[1:], uint32(len(body)))
	return w.last, w.framer.WriteData(w.last, true, append(framed, body...))
}

// until reads up to the first frame that fits, and answers SETTINGS and, unless
// it is deaf, pings.
func (w *wire) until(fits func(http2.Frame) bool) (http2.Frame, error) {
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
			if !f.IsAck() && !w.deaf {
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

// gone reads until the server hangs up.
func (w *wire) gone() { _, _ = w.until(func(http2.Frame) bool { return false }) }

// farewell reads up to a GOAWAY and says what it said. The final one names the
// last stream that is served.
func (w *wire) farewell(final bool) (string, error) {
	f, err := w.until(func(f http2.Frame) bool {
		g, ok := f.(*http2.GoAwayFrame)
		return ok && (!final || g.LastStreamID != 1<<31-1)
	})
	if err != nil {
		return "", fmt.Errorf("wait for GOAWAY: %w", err)
	}
	g := f.(*http2.GoAwayFrame) //nolint:forcetypeassert // nothing else fits
	text := fmt.Sprintf("GOAWAY: %s, %s", g.ErrCode, g.DebugData())
	if final {
		text += fmt.Sprintf(", the last stream is %d", g.LastStreamID)
	}
	return text, nil
}

// ended reads up to the end of a stream and says what that was.
func (w *wire) ended(id uint32) (string, error) {
	f, err := w.until(func(f http2.Frame) bool {
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

func trailers(f *http2.MetaHeadersFrame) (text string) {
	for _, field := range f.Fields {
		if field.Name == "grpc-status" || field.Name == "grpc-message" && field.Value != "" {
			text += fmt.Sprintf("%s %s  ", field.Name, field.Value)
		}
	}
	return text
}
