package ctl

import (
	"crypto/tls"
	"encoding/json"
	"net"
	"strings"
	"sync"
	"testing"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/walkthrough/client/clienttest"
)

// secured starts a server with a certificate; with clients it asks them for one.
func secured(t *testing.T, clients bool) (*servetest.Authority, *clienttest.Server) {
	t.Helper()
	ca := servetest.NewAuthority(t)
	return ca, clienttest.StartWith(t, func(cfg *serve.Config) {
		ca.Secure(cfg)
		if clients {
			cfg.ClientTLSInfo.TrustedCAFile, cfg.ClientTLSInfo.ClientCertAuth = ca.File, true
		}
	})
}

func TestAPutOverTLSShowsTheHandshake(t *testing.T) {
	ca, server := secured(t, true)
	cert, key := ca.Issue("alice")
	line := "put greeting hello --trace --lang en --width 100 --cacert " + ca.File + " --cert " + cert + " --key " + key
	got := glasskv(t, "https://"+server.Endpoint(), line, "")
	for _, part := range []string{"OK\n\n", "as the client saw it", "client.dial", "tls.handshake", "wal.sync", "net.reply"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in\n%s", part, got)
		}
	}
}

// A file makes an endpoint without a scheme a secured one, as it does in etcdctl;
// a flag can come from its variable.
func TestWhatMakesAConnectionSecure(t *testing.T) {
	ca, server := secured(t, false)
	for _, flags := range []string{" --cacert " + ca.File, " --insecure-skip-tls-verify"} {
		if got := glasskv(t, server.Endpoint(), "put greeting hello"+flags, ""); got != "OK\n" {
			t.Errorf("%s: %s", flags, got)
		}
	}
	t.Setenv("GLASSKV_CACERT", ca.File)
	if got := glasskv(t, "https://"+server.Endpoint(), "lease grant 60", ""); !strings.Contains(got, "granted") {
		t.Error(got)
	}
	if got := glasskv(t, "https://"+server.Endpoint(), "get greeting --cacert "+ca.File+".missing", ""); !strings.Contains(got, "error: read authorities: ") {
		t.Errorf("the variable counted, not the flag: %s", got)
	}
	t.Setenv("GLASSKV_INSECURE_SKIP_TLS_VERIFY", "perhaps")
	if got := glasskv(t, server.Endpoint(), "get greeting", ""); !strings.Contains(got, "GLASSKV_INSECURE_SKIP_TLS_VERIFY") {
		t.Error(got)
	}
}

func TestEveryRefusalOfTLSHasAWayOut(t *testing.T) {
	ca, server := secured(t, false)
	_, strict := secured(t, true)
	plain := servetest.Start(t, servetest.Config(t), serve.Seams{})
	_, port, err := net.SplitHostPort(server.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	stranger := servetest.NewAuthority(t)
	cert, key := stranger.Issue("mallory")
	for name, test := range map[string]struct{ endpoint, flags, want string }{
		"not trusted":        {"https://" + server.Endpoint(), "", "is not trusted (certificate signed by unknown authority); name the authority that signed it with --cacert"},
		"another name":       {"https://localhost:" + port, "--cacert " + ca.File, "is for other names"},
		"no certificate":     {"https://" + strict.Endpoint(), "--insecure-skip-tls-verify", "name one with --cert and --key"},
		"a strange one":      {"https://" + strict.Endpoint(), "--insecure-skip-tls-verify --cert " + cert + " --key " + key, "accept the c"},
		"clear to TLS":       {server.Endpoint(), "", "if it wants TLS write https://" + server.Endpoint() + ", and name its authority with --cacert"},
		"TLS to clear":       {"https://" + plain.Endpoint(), "--cacert " + ca.File, "if it is not secured write http://" + plain.Endpoint()},
		"half a pair":        {"https://" + server.Endpoint(), "--cert " + cert, "--cert and --key go together"},
		"no key in it":       {"https://" + server.Endpoint(), "--cert " + cert + " --key " + cert, "read the client's certificate: "},
		"no certificates":    {"https://" + server.Endpoint(), "--cacert " + key, "holds no certificate in PEM form"},
		"TLS asked for":      {"http://" + plain.Endpoint(), "--insecure-transport=false", "is not secured, and a secure connection is required"},
		"both kinds at once": {"http://" + plain.Endpoint() + ",https://" + server.Endpoint(), "", "cannot be mixed"},
	} {
		t.Run(name, func(t *testing.T) {
			got := glasskv(t, test.endpoint, "get greeting "+test.flags, "")
			if !strings.HasPrefix(got, "error: ") || !strings.Contains(got, test.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("%s\nwant a line with %s", got, test.want)
			}
		})
	}
}

// A server that hangs up after the handshake may have said why, and the word may
// have been lost.
func TestAServerThatHangsUpAfterTheHandshake(t *testing.T) {
	ca := servetest.NewAuthority(t)
	cert, err := tls.LoadX509KeyPair(ca.Issue("server"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	var server sync.WaitGroup
	server.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context())
			_ = conn.Close()
		}
	})
	defer server.Wait()
	defer l.Close()
	got := glasskv(t, "https://"+l.Addr().String(), "get greeting --cacert "+ca.File, "")
	if !strings.Contains(got, "hung up after the TLS handshake") {
		t.Error(got)
	}
}

func TestTheTimelineFollowsTheReply(t *testing.T) {
	server := clienttest.Start(t)
	got := glasskv(t, server.Endpoint(), "put greeting hello --trace --lang en --width 80", "")
	reply, timeline, ok := strings.Cut(got, "\n\n")
	if !ok || reply != "OK" {
		t.Errorf("the reply is not in front:\n%s", got)
	}
	for _, part := range []string{"PUT greeting", "as the client saw it", "client.dial", "wal.sync", "net.reply", "glasskv explain"} {
		if !strings.Contains(timeline, part) {
			t.Errorf("no %q in\n%s", part, timeline)
		}
	}
	if strings.Contains(got, "\x1b") {
		t.Error("colours in a pipe")
	}
}

func TestTheTimelineComesAloneAsJSON(t *testing.T) {
	server := clienttest.Start(t)
	got := glasskv(t, server.Endpoint(), "get nobody --trace --output json", "")
	var tl trace.Timeline
	if err := json.Unmarshal([]byte(got), &tl); err != nil {
		t.Fatalf("%v in\n%s", err, got)
	}
	if tl.Method != "/etcdserverpb.KV/Range" || tl.Observer != trace.ObserverClient || tl.Stage("txn.range") == nil {
		t.Errorf("timeline of %s, seen by the %s, stages %v", tl.Method, tl.Observer, tl.Stages)
	}
}

func TestARequestThatFailsHasItsTimelineAndItsError(t *testing.T) {
	server := clienttest.Start(t)
	got := glasskv(t, server.Endpoint(), `put "" value --trace --lang en`, "")
	if strings.Contains(got, "OK\n") || !strings.Contains(got, "InvalidArgument") || !strings.Contains(got, "v3rpc.Put") {
		t.Errorf("no timeline of the failure:\n%s", got)
	}
	if !strings.HasSuffix(got, "\nerror: etcdserver: key is not provided\n") {
		t.Errorf("no error at the end:\n%s", got)
	}
}

func TestWithoutTheServersPartTheReasonIsSaid(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	got := glasskv(t, node.Endpoint(), "put greeting hello --trace --lang en", "")
	if !strings.HasPrefix(got, "OK\n") || !strings.Contains(got, "client.send") {
		t.Errorf("not the reply and the client's part:\n%s", got)
	}
	if !strings.Contains(got, "only the client's part is shown: the server does not say where its timelines are") {
		t.Errorf("no reason:\n%s", got)
	}
}
