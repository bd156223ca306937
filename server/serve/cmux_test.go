package serve

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"
)

// helloOf returns the first message of a client that offers these protocols.
func helloOf(t testing.TB, protos ...string) []byte {
	t.Helper()
	var said bytes.Buffer
	client := tls.Client(speaking{&said}, &tls.Config{ServerName: "glass.example", NextProtos: protos})
	if err := client.Handshake(); err == nil {
		t.Fatal("a handshake with nobody")
	}
	return said.Bytes()
}

// speaking is a connection whose other side listens and says nothing.
type speaking struct{ said *bytes.Buffer }

func (s speaking) Write(p []byte) (int, error)    { return s.said.Write(p) }
func (speaking) Read([]byte) (int, error)         { return 0, io.EOF }
func (speaking) Close() error                     { return nil }
func (speaking) LocalAddr() net.Addr              { return nil }
func (speaking) RemoteAddr() net.Addr             { return nil }
func (speaking) SetDeadline(time.Time) error      { return nil }
func (speaking) SetReadDeadline(time.Time) error  { return nil }
func (speaking) SetWriteDeadline(time.Time) error { return nil }

func TestWhatATLSClientOffers(t *testing.T) {
	for name, c := range map[string]struct {
		says       []byte
		grpc, http bool
	}{
		"HTTP/2 alone": {helloOf(t, alpnHTTP2), true, true}, // the matcher for grpc-go is asked first
		"both":         {helloOf(t, alpnHTTP2, alpnHTTP1), false, true},
		"HTTP/1 alone": {helloOf(t, alpnHTTP1), false, true},
		"nothing":      {helloOf(t), false, true},
		"not TLS":      {[]byte("GET / HTTP/1.1\r\n\r\n"), false, false},
		"half of it":   {helloOf(t, alpnHTTP2)[:40], false, false},
		"silence":      {nil, false, false},
	} {
		if got := offersHTTP2Only(bytes.NewReader(c.says)); got != c.grpc {
			t.Errorf("%s: for grpc-go: %t", name, got)
		}
		if got := speaksTLS(bytes.NewReader(c.says)); got != c.http {
			t.Errorf("%s: TLS: %t", name, got)
		}
	}
}

// FuzzClientHello holds that nothing that a client says makes trouble, and that
// reading ends.
func FuzzClientHello(f *testing.F) {
	f.Add(helloOf(f, alpnHTTP2, alpnHTTP1))
	f.Add([]byte("\x16\x03\x01\xff\xff"))
	f.Fuzz(func(t *testing.T, says []byte) {
		if offersHTTP2Only(bytes.NewReader(says)) && !speaksTLS(bytes.NewReader(says)) {
			t.Error("HTTP/2 over TLS without TLS")
		}
	})
}
