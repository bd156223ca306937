package seam

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"glasskv/server/seam/client"
	"glasskv/server/seam/seamtest"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc/metadata"
)

// site is a real node with all seams, and what it records.
type site struct {
	testing.TB
	*servetest.Node
	observer *Observer
	finished chan *record.Record
	client   *http.Client
}

func newSite(t testing.TB) *site {
	rec := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = rec.Close(context.Background()) })
	s := &site{TB: t, finished: make(chan *record.Record, 64)}
	rec.Subscribe(func(r *record.Record) { s.finished <- r })
	var err error
	if s.observer, err = New(rec, Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.observer.Close)
	s.Node = servetest.Start(t, servetest.Config(t), s.observer.Seams())
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	s.client = &http.Client{Transport: transport}
	return s
}

// post sends a request to the gateway and returns the answer's headers and its
// timeline.
func (s *site) post(path, body string, change func(*http.Request)) (http.Header, *trace.Timeline) {
	s.Helper()
	req, err := http.NewRequestWithContext(seamtest.Limit(s), http.MethodPost, "http://"+s.Endpoint()+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		s.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header, seamtest.Await(s, "record", s.finished).Timeline()
}

// A client cannot have its own request shown inside another one's by sending the
// traceparent of that one: the gateway's call is known by one that it never tells.
func TestAForeignTraceparentDoesNotJoinTheGateway(t *testing.T) {
	s := newSite(t)
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	header, tl := s.post("/v3/kv/put", `{"key":"aw=="}`, func(r *http.Request) { r.Header.Set(client.HeaderTraceParent, parent) })
	if tl.Find(stages.WALSync) == nil {
		t.Error("the gateway's own call is not in its timeline")
	}
	told := header.Get(client.HeaderTraceParent)
	for _, used := range []string{parent, told} {
		ctx := metadata.AppendToOutgoingContext(seamtest.Limit(t), client.HeaderTraceParent, used)
		if _, err := pb.NewKVClient(s.Conn).Put(ctx, &pb.PutRequest{Key: []byte("k")}); err != nil {
			t.Fatal(err)
		}
		if own := seamtest.Await(t, "record", s.finished).Timeline(); own.Method != pb.KV_Put_FullMethodName {
			t.Errorf("a put with traceparent %s became part of %s", used, own.Method)
		}
	}
}

// A traceparent that is smuggled in as metadata changes nothing: neither is the
// gateway's call lost, nor is what it was told handed out.
func TestTheGatewayKeepsItsTraceparentToItself(t *testing.T) {
	s := newSite(t)
	header, tl := s.post("/v3/kv/put", `{"key":"aw=="}`, func(r *http.Request) {
		r.Header.Set("Grpc-Metadata-Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	})
	if tl.Find(stages.WALSync) == nil || tl.Find(stages.ClientSend) == nil {
		t.Errorf("the call is not in the timeline: %+v", tl.Ledger)
	}
	for name := range header {
		if strings.Contains(strings.ToLower(name), "trace") {
			t.Errorf("the answer has %s: %s", name, header.Get(name))
		}
	}
}

// Most of a put's time has a name, from the first byte to the last: a median of
// several, since one may have been interrupted.
func TestAPutThroughTheGatewayIsExplained(t *testing.T) {
	s := newSite(t)
	s.post("/v3/kv/put", `{"key":"aw=="}`, nil) // opens the connections
	good := 0
	const all = 15
	for range all {
		if _, tl := s.post("/v3/kv/put", `{"key":"aw=="}`, nil); tl.Explained >= 0.97 {
			good++
		} else {
			t.Logf("explained %.3f: %+v", tl.Explained, tl.Ledger)
		}
	}
	if good <= all/2 {
		t.Errorf("%d of %d puts are explained to 97 %%", good, all)
	}
}

// A handler that panics is a request that failed, and its connection is over.
func TestAPanicInAPageIsARecordOfItsOwn(t *testing.T) {
	rec := record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = rec.Close(context.Background()) })
	finished := make(chan *record.Record, 1)
	rec.Subscribe(func(r *record.Record) { finished <- r })
	o, err := New(rec, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	cfg := servetest.Config(t)
	cfg.UserHandlers = map[string]http.Handler{
		"/broken": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
	}
	node := servetest.Start(t, cfg, o.Seams())
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	resp, err := (&http.Client{Transport: transport}).Get("http://" + node.Endpoint() + "/broken")
	if err == nil {
		_ = resp.Body.Close()
		t.Errorf("answered with %s", resp.Status)
	}
	got := seamtest.Await(t, "record", finished)
	if !got.Has(record.MarkHTTP|record.MarkPanic|record.MarkConnClosed) || got.Timeline().Find(stages.HTTPHandler) == nil {
		t.Errorf("record: %+v", got.Timeline())
	}
}
