package endpoint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glasskv/trace/record"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

// start serves a recorder on the loopback interface until the test ends.
func start(t *testing.T) (*record.Recorder, *Client, func(context.Context) error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rc := record.NewRecorder(record.Options{})
	stop := Serve(l, rc)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := errors.Join(stop(tracetest.Limit(t)), rc.Close(tracetest.Limit(t))); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return rc, &Client{Base: "http://" + l.Addr().String(), HTTP: &http.Client{Transport: transport}}, stop
}

// request records one request of that length.
func request(rc *record.Recorder, method string, took time.Duration) *record.Record {
	begin := record.Now()
	r := rc.Start(nil, 1, begin)
	r.Facts().Method = method
	r.BeginAt(stages.Flush, begin)
	r.EndAt(stages.Flush, begin+took.Nanoseconds())
	r.Done(record.AllEvents)
	return r
}

func TestTheLastAndTheSlowestAreListed(t *testing.T) {
	rc, c, _ := start(t)
	quick := request(rc, "/a/Quick", time.Microsecond)
	slow := request(rc, "/a/Slow", time.Second)
	middle := request(rc, "/a/Middle", time.Millisecond)
	for _, r := range []*record.Record{quick, slow, middle} {
		if _, err := rc.WaitFor(tracetest.Limit(t), r.TraceID()); err != nil {
			t.Fatal(err)
		}
	}
	last, err := c.Last(tracetest.Limit(t), 2)
	if err != nil || len(last) != 2 || last[0].Method != "/a/Middle" || last[1].Method != "/a/Slow" {
		t.Fatalf("last two: %v, %v", last, err)
	}
	whole, err := c.LastEnvelopes(tracetest.Limit(t), 1)
	if err != nil || len(whole) != 1 || whole[0].Timeline.TraceID != middle.TraceID() || whole[0].Origin != middle.Origin() {
		t.Fatalf("last with its origin: %v, %v", whole, err)
	}
}

func TestTheSlowestComeFirst(t *testing.T) {
	rc, c, _ := start(t)
	told := make(chan struct{}, 3)
	defer rc.Subscribe(func(*record.Record) { told <- struct{}{} })()
	request(rc, "/a/Quick", time.Microsecond)
	request(rc, "/a/Slow", time.Second)
	request(rc, "/a/Middle", time.Millisecond)
	for range 3 {
		<-told
	}
	slowest, err := c.Slowest(tracetest.Limit(t), 2)
	if err != nil || len(slowest) != 2 || slowest[0].Method != "/a/Slow" || slowest[1].Method != "/a/Middle" {
		t.Fatalf("slowest two: %v, %v", slowest, err)
	}
}

func TestOneRequestIsWaitedFor(t *testing.T) {
	rc, c, _ := start(t)
	r := rc.Start(nil, 1, record.Now())
	if _, err := c.Get(tracetest.Limit(t), r.TraceID(), 0); !errors.Is(err, ErrUnknown) {
		t.Fatalf("before it is finished: %v", err)
	}
	go r.Done(record.AllEvents)
	got, err := c.Get(tracetest.Limit(t), r.TraceID(), 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := json.Marshal(r.Timeline())
	if have, _ := json.Marshal(got.Timeline); !bytes.Equal(have, want) {
		t.Fatalf("got  %s\nwant %s", have, want)
	}
	if got.Origin != r.Origin() {
		t.Fatalf("origin %v, want %v", got.Origin, r.Origin())
	}
}

func TestStoppingBreaksOffThoseWhoWait(t *testing.T) {
	rc, c, stop := start(t)
	answer := make(chan error, 1)
	id := rc.Start(nil, 1, record.Now()).TraceID()
	entered := make(chan struct{})
	c.HTTP.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		defer close(entered)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	go func() {
		_, err := c.Get(tracetest.Limit(t), id, time.Minute)
		answer <- err
	}()
	<-entered
	if err := stop(tracetest.Limit(t)); err != nil {
		t.Fatalf("stop: %v", err)
	}
	if err := <-answer; err == nil {
		t.Fatal("an answer for a request that never finished")
	}
}

func TestStatusIsTheRecordersState(t *testing.T) {
	rc, c, _ := start(t)
	r := request(rc, "/a/B", 1)
	if _, err := rc.WaitFor(tracetest.Limit(t), r.TraceID()); err != nil {
		t.Fatal(err)
	}
	body, err := c.get(tracetest.Limit(t), "/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	var s record.Stats
	if err := json.NewDecoder(body).Decode(&s); err != nil || s.Finished != 1 || s.MemoryBound != record.DefaultMemoryBytes {
		t.Fatalf("%+v, %v", s, err)
	}
}

func TestNobodyThereIsAClearError(t *testing.T) {
	_, c, stop := start(t)
	if err := stop(tracetest.Limit(t)); err != nil {
		t.Fatal(err)
	}
	_, err := c.Last(tracetest.Limit(t), 1)
	if err == nil || !strings.HasPrefix(err.Error(), "trace endpoint http://127.0.0.1:") || !strings.Contains(err.Error(), "refused") {
		t.Fatalf("got %v", err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer rc.Close(tracetest.Limit(t))
	h := newHandler(rc)
	for _, c := range []struct {
		method, target, host string
		status               int
		says                 string
	}{
		{"POST", "/v1/requests", "localhost", 405, "use GET"},
		{"POST", "/v1/control/breaks", "localhost", 501, "start it with --control"},
		{"POST", "/v1/control/breaks", "rebound.example:2378", 403, "not this server"},
		{"DELETE", "/nowhere", "localhost", 405, "use GET"},
		{"GET", "/", "localhost", 404, "nothing at /"},
		{"GET", "/v1/requests?last=0", "localhost", 400, "above zero"},
		{"GET", "/v1/requests?last=-1", "localhost", 400, "above zero"},
		{"GET", "/v1/requests?slowest=many", "localhost", 400, "above zero"},
		{"GET", "/v1/requests?last=1&slowest=1", "localhost", 400, "one of them"},
		{"GET", "/v1/requests/xyz", "localhost", 400, "not a trace ID"},
		{"GET", "/v1/requests/0123456789abcdef0123456789abcdef", "localhost", 404, "no finished request"},
		{"GET", "/v1/requests/0123456789abcdef0123456789abcdef?wait=soon", "localhost", 400, "such as 2s"},
		{"GET", "/v1/requests/0123456789abcdef0123456789abcdef?wait=-1s", "localhost", 400, "such as 2s"},
		{"GET", "/v1/status", "rebound.example:2378", 403, "not this server"},
		{"GET", "/v1/status", "192.0.2.7:2378", 403, "not this server"},
		{"GET", "/v1/status", "127.0.0.1:2378", 200, "begun"},
		{"GET", "/v1/status", "[::1]:2378", 200, "begun"},
		{"GET", "/v1/status", "localhost:2378", 200, "begun"},
		{"GET", "/v1/requests", "localhost", 200, ""},
	} {
		req := httptest.NewRequest(c.method, c.target, nil)
		req.Host = c.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		body, _ := io.ReadAll(w.Result().Body)
		if w.Code != c.status || !strings.Contains(string(body), c.says) {
			t.Errorf("%s %s at %s: %d %s; want %d, %q", c.method, c.target, c.host, w.Code, body, c.status, c.says)
		}
		if c.status >= 400 {
			var p problem
			if err := json.Unmarshal(body, &p); err != nil || p.Error == "" {
				t.Errorf("%s %s: no error object: %s", c.method, c.target, body)
			}
		}
	}
}

func TestTheAddressThatIsListenedOnIsNoStranger(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer rc.Close(tracetest.Limit(t))
	req := httptest.NewRequest(http.MethodGet, "/v1/status", nil)
	req.Host = "192.0.2.7:2378"
	at := net.Addr(&net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 2378})
	req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, at))
	w := httptest.NewRecorder()
	newHandler(rc).ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
}
