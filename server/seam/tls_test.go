package seam

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"glasskv/server/seam/seamtest"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// Under TLS the frames are seen in clear, for the seam stands above it, and the
// handshake says what it agreed on.
func TestAPutOverTLS(t *testing.T) {
	ca := servetest.NewAuthority(t)
	d := openDoor(t, func(c *doorConfig) {
		ca.Secure(&c.Config)
		c.ClientTLSInfo.TrustedCAFile = ca.File
	})
	client := ca.Client("alice")
	client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
	if err := d.put(client); err != nil {
		t.Fatal(err)
	}
	tl := d.next()
	has(t, tl, stages.CmuxMatch, stages.NetAccept, stages.HandleRawConn, stages.TLSHandshake, stages.NewHTTP2Transport,
		stages.ServeStreams, stages.OperateHeaders, stages.WALSync, stages.Flush)
	closes(t, tl)
	handshake, transport := tl.Stage("tls.handshake"), tl.Stage("grpc.newHTTP2Transport")
	if transport.BeginNS < handshake.EndNS {
		t.Errorf("newHTTP2Transport begins at %d, the handshake ends at %d", transport.BeginNS, handshake.EndNS)
	}
	for key, want := range map[string]string{
		trace.AttrTLSVersion: "TLS 1.3", trace.AttrTLSALPN: "h2", trace.AttrTLSPeer: "alice", trace.AttrTLSResumed: "",
	} {
		if got := handshake.Attributes[key]; got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
	if cipher := handshake.Attributes[trace.AttrTLSCipher]; !strings.HasPrefix(cipher, "TLS_") {
		t.Errorf("cipher suite %q", cipher)
	}
}

// Whoever is refused in the handshake leaves a timeline that says why, whichever
// server went through it.
func TestARefusedHandshakeSaysWhy(t *testing.T) {
	ca, stranger := servetest.NewAuthority(t), servetest.NewAuthority(t)
	mallory := ca.Client("")
	mallory.Certificates = stranger.Client("mallory").Certificates
	tests := map[string]struct {
		client *tls.Config
		why    string
	}{
		"no certificate":      {ca.Client(""), "didn't provide a certificate"},
		"another authority":   {mallory, "unknown authority"},
		"an old version":      {&tls.Config{MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11, ServerName: "127.0.0.1"}, "unsupported versions"},
		"distrust of our own": {stranger.Client("alice"), "bad certificate"},
	}
	d := openDoor(t, func(c *doorConfig) {
		ca.Secure(&c.Config)
		c.ClientTLSInfo.TrustedCAFile = ca.File
	})
	for name, test := range tests {
		for _, proto := range []string{"h2", "http/1.1"} {
			config := test.client.Clone()
			config.NextProtos = []string{proto}
			if conn, err := (&tls.Dialer{Config: config}).DialContext(seamtest.Limit(t), "tcp", d.Endpoint()); err == nil {
				_, _ = conn.Read(make([]byte, 1)) // TLS 1.3 refuses a client's certificate when the client is through
				_ = conn.Close()
			}
			tl := d.next()
			if !strings.HasPrefix(tl.Message, "TLS handshake: ") || !strings.Contains(tl.Message, test.why) {
				t.Errorf("%s over %s: %q does not say %q", name, proto, tl.Message, test.why)
			}
			has(t, tl, stages.CmuxMatch, stages.TLSHandshake)
			hasNot(t, tl, stages.NewHTTP2Transport, stages.ServeStreams, stages.HTTPConn)
			closes(t, tl)
		}
	}
}

// A connection that came to nothing says what it came to.
func TestWhyAConnectionNeverCarriedARequest(t *testing.T) {
	ca := servetest.NewAuthority(t)
	plain := openDoor(t, func(c *doorConfig) { c.ConnectionTimeout = 50 * time.Millisecond })
	secure := openDoor(t, func(c *doorConfig) { ca.Secure(&c.Config); c.ConnectionTimeout = 50 * time.Millisecond })
	split := openDoor(t, func(c *doorConfig) {
		ca.Secure(&c.Config)
		c.ListenClientHTTPURLs = types.MustNewURLs([]string{"http://localhost:0"})
		c.ConnectionTimeout = 50 * time.Millisecond
	})
	for name, test := range map[string]struct {
		door      *door
		says, why string
	}{
		"silence":               {plain, "", "the client said nothing"},
		"half a preface":        {plain, "PRI * ", "the client did not say enough to tell what it speaks"},
		"another protocol":      {plain, "EHLO glass.example\r\n\r\n", "the client speaks nothing that this address serves"},
		"TLS in clear":          {plain, "\x16\x03\x01\x00\x05hello\r\n\r\n", "the client speaks nothing that this address serves"},
		"clear on TLS":          {secure, "GET /health HTTP/1.1\r\n\r\n", "the client speaks nothing that this address serves"},
		"silence on TLS":        {secure, "", "the client said nothing"},
		"half a request":        {plain, "GET /health HTTP/1.1\r\nHost:", "it was closed before a whole request had come"},
		"clear where is no mux": {split, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the client does not speak TLS"},
		"silence where is none": {split, "", "the TLS handshake took too long"},
	} {
		test.door.say(test.says)
		tl := test.door.next()
		if tl.Message != test.why || tl.Method != "" {
			t.Errorf("%s: %q, want %q", name, tl.Message, test.why)
		}
		tiles(t, tl)
	}
}

// Through net/http there is no grpc-go connection, no tap and no frame; the rest of
// the way is the same.
func TestAPutThroughServeHTTP(t *testing.T) {
	ca := servetest.NewAuthority(t)
	d := openDoor(t, func(c *doorConfig) {
		ca.Secure(&c.Config)
		c.ServeTLSThroughHTTP = true
	})
	if err := d.put(ca.Client("")); err != nil {
		t.Fatal(err)
	}
	tl := d.next()
	if tl.Method != pb.KV_Put_FullMethodName || tl.Code != "OK" {
		t.Errorf("%s %s", tl.Method, tl.Code)
	}
	has(t, tl, stages.CmuxMatch, stages.NetAccept, stages.TLSHandshake, stages.HTTPConn,
		stages.ServeHTTP, stages.HandleStream, stages.ProcessRPC, stages.RecvMsg, stages.WALSync, stages.SendMsg, stages.WriteStatus, stages.Flush)
	hasNot(t, tl, stages.HandleRawConn, stages.NewHTTP2Transport, stages.ServeStreams, stages.OperateHeaders, stages.StartHandler)
	closes(t, tl)
	why := make(map[string]string)
	for _, n := range tl.NotReached {
		why[n.Stage] = n.Why
	}
	if why["grpc.handleRawConn"] != trace.WhyServeHTTP {
		t.Errorf("not reached: %v", tl.NotReached)
	}
}

// What is refused there, and what is given up, has a timeline as well.
func TestServeHTTPThatComesToNothing(t *testing.T) {
	ca := servetest.NewAuthority(t)
	d := openDoor(t, func(c *doorConfig) {
		ca.Secure(&c.Config)
		c.ServeTLSThroughHTTP = true
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.Client(""), ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	for path, want := range map[string]string{
		"/etcdserverpb.KV/Pot": "unknown method Pot for service etcdserverpb.KV",
		"/nowhere.KV/Put":      "unknown service nowhere.KV",
	} {
		req, err := http.NewRequestWithContext(seamtest.Limit(t), http.MethodPost, "https://"+d.Endpoint()+path, strings.NewReader(""))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/grpc")
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		tl := d.next()
		if tl.Method != path || tl.Code != "Unimplemented" || tl.Message != want {
			t.Errorf("%s: %s %q", tl.Method, tl.Code, tl.Message)
		}
		has(t, tl, stages.ServeHTTP)
		closes(t, tl)
	}
}

// A page over TLS shows the handshake and the connection's life.
func TestAPageOverTLS(t *testing.T) {
	ca := servetest.NewAuthority(t)
	d := openDoor(t, func(c *doorConfig) { ca.Secure(&c.Config) })
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.Client("")}}
	t.Cleanup(client.CloseIdleConnections)
	for range 2 {
		resp, err := client.Get("https://" + d.Endpoint() + "/version")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	first, second := d.next(), d.next()
	has(t, first, stages.CmuxMatch, stages.NetAccept, stages.TLSHandshake, stages.HTTPConn, stages.HTTPReadRequest, stages.HTTPHandler, stages.HTTPFlush)
	if second.Connection.ID != first.Connection.ID || !second.Connection.Reused {
		t.Errorf("the second request came on %+v, the first on %+v", second.Connection, first.Connection)
	}
	closes(t, first)
	closes(t, second)
	if alpn := first.Stage("tls.handshake").Attributes[trace.AttrTLSALPN]; alpn != "" {
		t.Errorf("ALPN %q: a client that offers none was given one", alpn)
	}
}

// A client that gives up on such a request is told of by net/http, which resets
// the stream; the record is complete when the handler has noticed.
func TestServeHTTPThatIsGivenUp(t *testing.T) {
	ca := servetest.NewAuthority(t)
	running := make(chan struct{})
	d := openDoor(t, func(c *doorConfig) {
		ca.Secure(&c.Config)
		c.ServeTLSThroughHTTP = true
		inner := c.Interceptors.InnerUnary
		c.Interceptors.InnerUnary = func(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			return inner(ctx, req, info, func(ctx context.Context, _ any) (any, error) {
				close(running)
				<-ctx.Done()
				return nil, status.FromContextError(ctx.Err()).Err()
			})
		}
	})
	cc, err := grpc.NewClient(d.Endpoint(), grpc.WithTransportCredentials(credentials.NewTLS(ca.Client(""))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cc.Close() })
	ctx, cancel := context.WithCancel(seamtest.Limit(t))
	go func() {
		seamtest.Await(t, "handler", running)
		cancel()
	}()
	if _, err := pb.NewKVClient(cc).Put(ctx, &pb.PutRequest{Key: []byte("k")}); status.Code(err) != codes.Canceled {
		t.Errorf("put: %v", err)
	}
	tl := d.next()
	if tl.Code != "Canceled" {
		t.Errorf("code %s %q, %v", tl.Code, tl.Message, tl.Attributes)
	}
	hasNot(t, tl, stages.WALSync)
	if swept := d.recorder.Lost().Swept.Load(); swept != 0 {
		t.Errorf("%d records had to be swept up", swept)
	}
}
