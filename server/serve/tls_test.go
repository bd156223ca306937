package serve_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
	clientv3 "go.etcd.io/etcd/client/v3"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// put sends a put over a connection of its own and waits for the outcome,
// whatever that is: a refused connection is not tried again.
func put(t *testing.T, target string, creds credentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = pb.NewKVClient(conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k"), Value: []byte("v")})
	return err
}

// page fetches a page and says over which version of HTTP it came.
func page(t *testing.T, client *http.Client, url string) (body, proto string, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(servetest.Context(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), resp.Proto, err
}

// browser is a client of net/http's that keeps nothing for later.
func browser(t *testing.T, tlsConfig *tls.Config, http2 bool) *http.Client {
	transport := &http.Transport{TLSClientConfig: tlsConfig, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// One https address serves whoever comes: etcd's client, a browser of today and
// one of yesterday.
func TestOneAddressServesAllOverTLS(t *testing.T) {
	for _, through := range []bool{false, true} {
		t.Run(map[bool]string{false: "natively", true: "through net/http"}[through], func(t *testing.T) {
			ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
			ca.Secure(&cfg)
			cfg.ServeTLSThroughHTTP = through
			node := servetest.Start(t, cfg, serve.Seams{})
			ctx := servetest.Context(t)

			client, err := clientv3.New(clientv3.Config{Endpoints: []string{"https://" + node.Endpoint()}, TLS: ca.Client("")})
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			watch := client.Watch(ctx, "k")
			if _, err := client.Put(ctx, "k", "v"); err != nil {
				t.Fatalf("put: %v", err)
			}
			if got, err := client.Get(ctx, "k"); err != nil || got.Count != 1 {
				t.Errorf("get: %v, %v", got, err)
			}
			if seen := <-watch; len(seen.Events) != 1 || string(seen.Events[0].Kv.Value) != "v" {
				t.Errorf("watch: %v, %v", seen, seen.Err())
			}
			for http2, want := range map[bool]string{false: "HTTP/1.1", true: "HTTP/2.0"} {
				body, proto, err := page(t, browser(t, ca.Client(""), http2), "https://"+node.Endpoint()+"/health")
				if err != nil || proto != want || !strings.Contains(body, `"health":"true"`) {
					t.Errorf("health over %s: %q over %s, %v", want, body, proto, err)
				}
			}
		})
	}
}

// A client that would take HTTP/1 as well is net/http's, and may be a gRPC client
// all the same.
func TestAGRPCClientThatOffersHTTP1AsWell(t *testing.T) {
	ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	node := servetest.Start(t, cfg, serve.Seams{})
	both := ca.Client("")
	both.NextProtos = []string{"h2", "http/1.1"}
	if err := put(t, node.Endpoint(), credentials.NewTLS(both)); err != nil {
		t.Error(err)
	}
}

// http and https share an address, as etcd allows.
func TestClearAndSecureOnOneAddress(t *testing.T) {
	ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	cfg.ListenClientURLs = types.MustNewURLs([]string{"http://127.0.0.1:0", "https://127.0.0.1:0"})
	node := servetest.Start(t, cfg, serve.Seams{})
	if addrs := node.ClientAddrs(); addrs[0].String() != addrs[1].String() {
		t.Fatalf("two addresses: %v", addrs)
	}
	for name, creds := range map[string]credentials.TransportCredentials{
		"clear": insecure.NewCredentials(), "secure": credentials.NewTLS(ca.Client("")),
	} {
		if err := put(t, node.Endpoint(), creds); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, scheme := range []string{"http", "https"} {
		if body, _, err := page(t, browser(t, ca.Client(""), false), scheme+"://"+node.Endpoint()+"/version"); err != nil || !strings.Contains(body, "etcdserver") {
			t.Errorf("%s: %q, %v", scheme, body, err)
		}
	}
}

func TestOnlyKnownClientsGetIn(t *testing.T) {
	ca, stranger := servetest.NewAuthority(t), servetest.NewAuthority(t)
	revokedCert, revokedKey := ca.Issue("revoked")
	revoked, err := tls.LoadX509KeyPair(revokedCert, revokedKey)
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		client func() *tls.Config
		ok     bool
	}{
		"a known client": {func() *tls.Config { return ca.Client("alice") }, true},
		"no certificate": {func() *tls.Config { return ca.Client("") }, false},
		"another authority": {func() *tls.Config {
			c := ca.Client("")
			c.Certificates = stranger.Client("mallory").Certificates
			return c
		}, false},
		"a revoked one": {func() *tls.Config { c := ca.Client(""); c.Certificates = []tls.Certificate{revoked}; return c }, false},
	}
	for _, through := range []bool{false, true} {
		cfg := servetest.Config(t)
		ca.Secure(&cfg)
		cfg.ClientTLSInfo.ClientCertAuth = true
		cfg.ClientTLSInfo.TrustedCAFile = ca.File
		cfg.ClientTLSInfo.CRLFile = ca.Revoke(revokedCert)
		cfg.ServeTLSThroughHTTP = through
		node := servetest.Start(t, cfg, serve.Seams{})
		for name, test := range tests {
			if err := put(t, node.Endpoint(), credentials.NewTLS(test.client())); (err == nil) != test.ok {
				t.Errorf("%s, through net/http %t: put: %v", name, through, err)
			}
			if _, _, err := page(t, browser(t, test.client(), false), "https://"+node.Endpoint()+"/version"); (err == nil) != test.ok {
				t.Errorf("%s, through net/http %t: page: %v", name, through, err)
			}
		}
		// The gateway calls the node as a client that has to show a certificate.
		if body, _, err := page(t, browser(t, ca.Client("alice"), false), "https://"+node.Endpoint()+"/health"); err != nil || !strings.Contains(body, "true") {
			t.Errorf("health: %q, %v", body, err)
		}
	}
}

func TestWhoeverMixesUpClearAndSecureIsTurnedAway(t *testing.T) {
	ca, secure := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&secure)
	secureNode := servetest.Start(t, secure, serve.Seams{})
	clearNode := servetest.Start(t, servetest.Config(t), serve.Seams{})

	if err := put(t, secureNode.Endpoint(), insecure.NewCredentials()); err == nil {
		t.Error("a client in clear got through to an https address")
	}
	if err := put(t, clearNode.Endpoint(), credentials.NewTLS(ca.Client(""))); err == nil {
		t.Error("a TLS client got through to an http address")
	}
	if _, _, err := page(t, browser(t, nil, false), "http://"+secureNode.Endpoint()+"/health"); err == nil {
		t.Error("a browser in clear got through to an https address")
	}
	for _, node := range []*servetest.Node{secureNode, clearNode} { // and nobody else is the worse for it
		if _, err := pb.NewKVClient(node.Conn).Put(servetest.Context(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
			t.Error(err)
		}
	}
}

// A certificate is replaced while the node runs; the next handshake shows the new
// one.
func TestACertificateIsReplaced(t *testing.T) {
	ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	node := servetest.Start(t, cfg, serve.Seams{})
	shown := func(protos ...string) string {
		t.Helper()
		client := ca.Client("")
		client.NextProtos = protos
		conn, err := (&tls.Dialer{Config: client}).DialContext(servetest.Context(t), "tcp", node.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	for _, name := range []string{"server", "next"} {
		if name != "server" {
			ca.IssueTo(name, cfg.ClientTLSInfo.CertFile, cfg.ClientTLSInfo.KeyFile)
		}
		if got := shown("h2"); got != name {
			t.Errorf("grpc-go shows %q, want %q", got, name)
		}
		if got := shown("http/1.1"); got != name {
			t.Errorf("net/http shows %q, want %q", got, name)
		}
	}
}

// A certificate that is made stays the same when the node is started again.
func TestACertificateIsMade(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.ClientAutoTLS = true
	cfg.ListenClientURLs = types.MustNewURLs([]string{"https://127.0.0.1:0"})
	var made [][]byte
	for range 2 {
		node := servetest.Start(t, cfg, serve.Seams{})
		trusting := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}} //nolint:gosec // nobody could verify it
		conn, err := (&tls.Dialer{Config: trusting}).DialContext(servetest.Context(t), "tcp", node.Endpoint())
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw)
		_ = conn.Close()
		if err := put(t, node.Endpoint(), credentials.NewTLS(trusting)); err != nil {
			t.Error(err)
		}
		if err := node.Stop(servetest.Context(t)); err != nil {
			t.Error(err)
		}
	}
	if !bytes.Equal(made[0], made[1]) {
		t.Error("a second certificate was made")
	}
}

func TestAnOldVersionOfTLSIsRefused(t *testing.T) {
	ca, cfg := servetest.NewAuthority(t), servetest.Config(t)
	ca.Secure(&cfg)
	cfg.TLSMinVersion = "TLS1.3"
	node := servetest.Start(t, cfg, serve.Seams{})
	old := ca.Client("")
	old.MaxVersion = tls.VersionTLS12
	if err := put(t, node.Endpoint(), credentials.NewTLS(old)); err == nil {
		t.Error("TLS 1.2 was taken")
	}
}

func TestTLSNeedsACertificate(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.ListenClientURLs = types.MustNewURLs([]string{"https://127.0.0.1:0"})
	if _, err := serve.Start(t.Context(), cfg, serve.Seams{}); !errors.Is(err, serve.ErrNoCertificate) {
		t.Errorf("without: %v", err)
	}
	cfg.ClientTLSInfo.CertFile, cfg.ClientTLSInfo.KeyFile = "/nowhere/cert.pem", "/nowhere/key.pem"
	if _, err := serve.Start(t.Context(), cfg, serve.Seams{}); err == nil || !strings.Contains(err.Error(), "/nowhere/cert.pem") {
		t.Errorf("with one that is not there: %v", err)
	}
}
