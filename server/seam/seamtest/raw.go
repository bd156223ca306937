package seamtest

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

// Client writes and reads HTTP/2 frames one by one, also in ways in which a real client never
// would. Only one goroutine may use it. If something goes wrong, the test fails.
type Client struct {
	testing.TB
	Conn  net.Conn
	Wire  io.Writer // where frames are written: the connection, unless a test puts something between
	Fr    *http2.Framer
	block bytes.Buffer
	enc   *hpack.Encoder
}

// Dial connects to an address and sends the preface and empty SETTINGS.
func Dial(t testing.TB, addr string) *Client {
	t.Helper()
	c := DialTCP(t, addr)
	c.Hello()
	return c
}

// DialTCP connects to an address and sends nothing.
func DialTCP(t testing.TB, addr string) *Client {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(Limit(t), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	c := &Client{TB: t, Conn: conn, Wire: conn}
	c.enc = hpack.NewEncoder(&c.block)
	c.Fr = http2.NewFramer(c, conn)
	c.Fr.AllowIllegalWrites = true
	c.Fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	return c
}

// Write writes bytes as they are.
func (c *Client) Write(p []byte) (int, error) { return c.Wire.Write(p) }

// Must fails the test if there is an error.
func (c *Client) Must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// Hello sends the preface and SETTINGS.
func (c *Client) Hello(settings ...http2.Setting) {
	c.Helper()
	_, err := io.WriteString(c, http2.ClientPreface)
	c.Must(err)
	c.Must(c.Fr.WriteSettings(settings...))
}

// PutHeaders returns the headers of an ordinary Put.
func PutHeaders() []hpack.HeaderField {
	return []hpack.HeaderField{
		{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"},
		{Name: ":path", Value: pb.KV_Put_FullMethodName}, {Name: ":authority", Value: "glass"},
		{Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"},
	}
}

// With returns the headers with a field set. If value is empty, it removes the field.
func With(headers []hpack.HeaderField, name, value string) []hpack.HeaderField {
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

// Encode returns headers as HPACK encodes them on this connection.
func (c *Client) Encode(fields []hpack.HeaderField) []byte {
	c.block.Reset()
	for _, f := range fields {
		c.Must(c.enc.WriteField(f))
	}
	return bytes.Clone(c.block.Bytes())
}

// Headers writes a HEADERS frame, with END_STREAM if end is set.
func (c *Client) Headers(stream uint32, end bool, fields []hpack.HeaderField) {
	c.Helper()
	c.Must(c.Fr.WriteHeaders(http2.HeadersFrameParam{
		StreamID: stream, BlockFragment: c.Encode(fields), EndStream: end, EndHeaders: true,
	}))
}

// Message writes a request message in a DATA frame, with END_STREAM if end is set.
func (c *Client) Message(stream uint32, m proto.Message, end bool) {
	c.Helper()
	c.Must(c.Fr.WriteData(stream, end, grpcMessage(c, m)))
}

func grpcMessage(c *Client, m proto.Message) []byte {
	body, err := proto.Marshal(m)
	c.Must(err)
	return append([]byte{0, 0, 0, 0, byte(len(body))}, body...) // the length is below 256
}

// Put writes a whole Put request.
func (c *Client) Put(stream uint32) {
	c.Helper()
	c.Headers(stream, false, PutHeaders())
	c.Message(stream, &pb.PutRequest{Key: []byte("k"), Value: []byte("v")}, true)
}

// Until reads frames up to the first that ok accepts, and returns that one. It acknowledges
// SETTINGS and PING.
func (c *Client) Until(what string, ok func(http2.Frame) bool) http2.Frame {
	c.Helper()
	for {
		f, err := c.Fr.ReadFrame()
		if err != nil {
			c.Fatalf("%s: %v", what, err)
		}
		if s, settings := f.(*http2.SettingsFrame); settings && !s.IsAck() {
			c.Must(c.Fr.WriteSettingsAck())
		}
		if p, ping := f.(*http2.PingFrame); ping && !p.IsAck() {
			c.Must(c.Fr.WritePing(true, p.Data))
		}
		if ok(f) {
			return f
		}
	}
}

// Ended reads frames up to the end of a stream, which is END_STREAM or RST_STREAM.
func (c *Client) Ended(stream uint32) http2.Frame {
	c.Helper()
	return c.Until("end of stream", func(f http2.Frame) bool {
		h := f.Header()
		if h.StreamID != stream {
			return false
		}
		return h.Type == http2.FrameRSTStream ||
			(h.Type == http2.FrameHeaders || h.Type == http2.FrameData) && h.Flags.Has(http2.FlagDataEndStream)
	})
}

// Ping returns when the server has read everything that was written so far.
func (c *Client) Ping() {
	c.Helper()
	mine := [8]byte{'g', 'l', 'a', 's', 's'}
	c.Must(c.Fr.WritePing(false, mine))
	c.Until("pong", func(f http2.Frame) bool {
		p, ok := f.(*http2.PingFrame)
		return ok && p.IsAck() && p.Data == mine
	})
}
