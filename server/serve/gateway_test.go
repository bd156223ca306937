package serve_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// A round trip through each service: that a path is routed, that the call comes
// to the right handler, and that what it says comes back as etcd writes it.
func TestGatewayServesEachService(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})

	s.post("/v3/kv/put", `{"key":"`+b64("foo")+`","value":"`+b64("bar")+`"}`)
	got := s.post("/v3/kv/range", `{"key":"`+b64("foo")+`"}`)
	kvs, _ := got["kvs"].([]any)
	if len(kvs) != 1 || got["count"] != "1" {
		t.Fatalf("range: %v", got)
	}
	if kv, _ := kvs[0].(map[string]any); kv["value"] != b64("bar") || kv["mod_revision"] != "2" {
		t.Errorf("key: %v", kv)
	}
	txn := s.post("/v3/kv/txn", `{"success":[{"requestDeleteRange":{"key":"`+b64("foo")+`"}}]}`)
	if txn["succeeded"] != true {
		t.Errorf("txn: %v", txn)
	}

	lease := s.post("/v3/lease/grant", `{"TTL":"600","ID":"7"}`)
	if lease["ID"] != "7" || lease["TTL"] != "600" {
		t.Errorf("grant: %v", lease)
	}
	s.post("/v3/lease/revoke", `{"ID":"7"}`)
	s.post("/v3/cluster/member/list", "{}")
	if status := s.post("/v3/maintenance/status", "{}"); status["leader"] == nil {
		t.Errorf("status: %v", status)
	}
	if lock := s.post("/v3/lock/lock", `{"name":"`+b64("door")+`"}`); lock["key"] == nil {
		t.Errorf("lock: %v", lock)
	}
	campaign := s.post("/v3/election/campaign", `{"name":"`+b64("chair")+`","value":"`+b64("me")+`"}`)
	if campaign["leader"] == nil {
		t.Errorf("campaign: %v", campaign)
	}
}

// Errors have the status that goes with their code, and etcd's text.
func TestGatewayErrors(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	for _, c := range []struct {
		method, path, body string
		status             int
		text               string
	}{
		{http.MethodPost, "/v3/kv/put", `{}`, http.StatusBadRequest, "etcdserver: key is not provided"},
		{http.MethodPost, "/v3/kv/put", `{"key":`, http.StatusBadRequest, "unexpected EOF"},
		{http.MethodPost, "/v3/lease/revoke", `{"ID":"99"}`, http.StatusNotFound, "etcdserver: requested lease not found"},
		{http.MethodGet, "/v3/kv/put", ``, http.StatusNotImplemented, "Method Not Allowed"},
		{http.MethodPost, "/v3/no/such", `{}`, http.StatusNotFound, "Not Found"},
	} {
		a := s.do(c.method, c.path, c.body)
		if a.status != c.status || !strings.Contains(a.body, c.text) {
			t.Errorf("%s %s %s: %d %s, want %d %q", c.method, c.path, c.body, a.status, a.body, c.status, c.text)
		}
	}
}

// A watch is a reply that does not end. Its events come one JSON object a line,
// and the call ends when its client hangs up.
func TestGatewayWatch(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	body := `{"create_request":{"key":"` + b64("foo") + `"}}`
	req, err := http.NewRequestWithContext(servetest.Context(t), http.MethodPost, s.base+"/v3/watch", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() map[string]any {
		t.Helper()
		if !lines.Scan() {
			t.Fatalf("the stream ended: %v", lines.Err())
		}
		var message struct{ Result map[string]any }
		if err := json.Unmarshal(lines.Bytes(), &message); err != nil {
			t.Fatalf("%v in %s", err, lines.Bytes())
		}
		return message.Result
	}
	if created := next(); created["created"] != true {
		t.Fatalf("first message: %v", created)
	}
	put := &pb.PutRequest{Key: []byte("foo"), Value: []byte("bar")}
	if _, err := pb.NewKVClient(s.Conn).Put(servetest.Context(t), put); err != nil {
		t.Fatal(err)
	}
	if events, _ := next()["events"].([]any); len(events) != 1 {
		t.Fatalf("events: %v", events)
	}
}

// A watch through the gateway does not keep the node from stopping.
func TestGatewayWatchEndsWithTheNode(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	body := `{"create_request":{"key":"` + b64("foo") + `"}}`
	req, err := http.NewRequestWithContext(servetest.Context(t), http.MethodPost, s.base+"/v3/watch", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() {
		t.Fatalf("no first message: %v", lines.Err())
	}
	if err := s.Stop(servetest.Context(t)); err != nil {
		t.Errorf("stop: %v", err)
	}
	for lines.Scan() {
	}
}

// endless is a body that has no end, and counts how much of it was taken.
type endless struct{ taken int64 }

func (e *endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'A'
	}
	e.taken += int64(len(b))
	return len(b), nil
}

// A body that never ends is cut off at the size of the largest request.
func TestGatewayBoundsTheBody(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.MaxRequestBytes = 64 << 10
	s := newSite(t, cfg, serve.Seams{})
	body := new(endless)
	req, err := http.NewRequestWithContext(servetest.Context(t), http.MethodPost, s.base+"/v3/kv/put",
		io.MultiReader(strings.NewReader(`{"value":"`), body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err == nil {
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("status %d", resp.StatusCode)
		}
	} else if errors.Is(err, req.Context().Err()) {
		t.Errorf("the server went on reading: %v", err)
	}
	const most = 16 << 20 // what the sockets and buffers on the way may hold as well
	if body.taken > most {
		t.Errorf("the server took %d bytes", body.taken)
	}
}

// A body that is declared too large is not even waited for.
func TestGatewayRefusesALargeBodyAtOnce(t *testing.T) {
	s := newSite(t, servetest.Config(t), serve.Seams{})
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v3/kv/put HTTP/1.1\r\nHost: a\r\nContent-Length: 1099511627776\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestGatewaySwitchedOff(t *testing.T) {
	cfg := servetest.Config(t)
	cfg.EnableGRPCGateway = false
	s := newSite(t, cfg, serve.Seams{})
	if a := s.do(http.MethodPost, "/v3/kv/range", `{"key":"Zm9v"}`); a.status != http.StatusNotFound {
		t.Errorf("gateway: %d", a.status)
	}
	if a := s.get("/health"); a.status != http.StatusOK {
		t.Errorf("/health: %d", a.status)
	}
}
