package seam

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
)

// rawClient speaks HTTP/2 frame by frame, also in ways that a real client never
// would.
type rawClient struct {
	testing.TB
	conn  net.Conn
	wire  io.Writer // where frames are written; the connection unless a test puts something between
	fr    *http2.Framer
	block bytes.Buffer
	enc   *hpack.Encoder
}

// dialRaw connects to an address and shakes hands.
func dialRaw(t testing.TB, addr string) *rawClient {
	t.Helper()
	c := dialRawTCP(t, addr)
	c.hello()
	return c
}

// dialRawTCP connects to an address and sends nothing.
func dialRawTCP(t testing.TB, addr string) *rawClient {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(limit(t), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &rawClient{TB: t, conn: conn, wire: conn}
	c.enc = hpack.NewEncoder(&c.block)
	c.fr = http2.NewFramer(c, conn)
	c.fr.AllowIllegalWrites = true
	c.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	return c
}

func (c *rawClient) Write(p []byte) (int, error) { return c.wire.Write(p) }

func (c *rawClient) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

func (c *rawClient) hello(settings ...http2.Setting) {
	c.Helper()
	_, err := io.WriteString(c, http2.ClientPreface)
	c.must(err)
	c.must(c.fr.WriteSettings(settings...))
}

// putHeaders are those of an ordinary Put.
func putHeaders() []hpack.HeaderField {
	return []hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"},
		{Name: ":path", Value: pb.KV_Put_FullMethodName}, {Name: ":authority", Value: "glass"},
		{Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"},
	}
}

// with replaces a field of headers, adds it, or takes it away when it is empty.
func with(headers []hpack.HeaderField, name, value string) []hpack.HeaderField {
	var out []hpack.HeaderField
	for _, f := range headers {
		if f.Name != name {
			out = append(out, f)
		} else if value != "" {
			out = append(out, hpack.HeaderField{Name: name, Value: value})
			value = ""
		}
	}
	if value != "" {
		out = append(out, hpack.HeaderField{Name: name, Value: value})
	}
	return out
}

func (c *rawClient) encode(fields []hpack.HeaderField) []byte {
	c.block.Reset()
	for _, f := range fields {
		c.must(c.enc.WriteField(f))
	}
	return bytes.Clone(c.block.Bytes())
}

func (c *rawClient) headers(stream uint32, end bool, fields []hpack.HeaderField) {
	c.Helper()
	c.must(c.fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: c.encode(fields), EndStream: end, EndHeaders: true,
	}))
}

// message writes a request message and, with end, closes the client's side.
func (c *rawClient) message(stream uint32, m proto.Message, end bool) {
	c.Helper()
	c.must(c.fr.WriteData(stream, end, grpcMessage(c, m)))
}

func grpcMessage(c *rawClient, m proto.Message) []byte {
	body, err := proto.Marshal(m)
	c.must(err)
	return append([]byte{0, 0, 0, 0, byte(len(body))}, body...) // short ones only
}

func (c *rawClient) put(stream uint32) {
	c.Helper()
	c.headers(stream, false, putHeaders())
	c.message(stream, &pb.PutRequest{Key: []byte("k"), Value: []byte("v")}, true)
}

// until reads frames up to the first that ok accepts.
func (c *rawClient) until(what string, ok func(http2.Frame) bool) http2.Frame {
	c.Helper()
	for {
		f, err := c.fr.ReadFrame()
		if err != nil {
			c.Fatalf("%s: %v", what, err)
		}
		if s, settings := f.(*http2.SettingsFrame); settings && !s.IsAck() {
			c.must(c.fr.WriteSettingsAck())
		}
		if p, ping := f.(*http2.PingFrame); ping && !p.IsAck() {
			c.must(c.fr.WritePing(true, p.Data))
		}
		if ok(f) {
			return f
		}
	}
}

// ended reads up to the end of a stream: END_STREAM or RST_STREAM.
func (c *rawClient) ended(stream uint32) http2.Frame {
	c.Helper()
	return c.until("end of stream", func(f http2.Frame) bool {
		h := f.Header()
		if h.StreamID != stream {
			return false
		}
		return h.Type == http2.FrameRSTStream ||
			(h.Type == http2.FrameHeaders || h.Type == http2.FrameData) && h.Flags.Has(http2.FlagDataEndStream)
	})
}

// ping returns when the server has read everything that was written so far.
func (c *rawClient) ping() {
	c.Helper()
	mine := [8]byte{'g', 'l', 'a', 's', 's'}
	c.must(c.fr.WritePing(false, mine))
	c.until("pong", func(f http2.Frame) bool {
		p, ok := f.(*http2.PingFrame)
		return ok && p.IsAck() && p.Data == mine
	})
}
