package seam

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"glasskv/server/seam/seamtest"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// doorConfig is what a test may change before a node is started.
type doorConfig struct {
	serve.Config
	serve.Seams
}

// door is a real node, every record of which a test can take.
type door struct {
	testing.TB
	*servetest.Node
	recorder *record.Recorder
	observer *Observer
	finished chan *record.Record
}

func openDoor(t testing.TB, change func(*doorConfig)) *door {
	t.Helper()
	d := &door{TB: t, finished: make(chan *record.Record, 4096)}
	d.recorder = record.NewRecorder(record.Options{})
	t.Cleanup(func() { _ = d.recorder.Close(context.Background()) })
	d.recorder.Subscribe(func(rec *record.Record) { d.finished <- rec })
	var err error
	if d.observer, err = New(d.recorder, Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.observer.Close)
	c := doorConfig{Config: servetest.Config(t), Seams: d.observer.Seams()}
	change(&c)
	d.Node = servetest.Start(t, c.Config, c.Seams)
	return d
}

// next takes the next record.
func (d *door) next() *trace.Timeline {
	d.Helper()
	return seamtest.Await(d, "record", d.finished).Timeline()
}

// put sends a put over a connection of its own.
func (d *door) put(config *tls.Config) error {
	d.Helper()
	cc, err := grpc.NewClient(d.Endpoint(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		d.Fatal(err)
	}
	defer cc.Close()
	_, err = pb.NewKVClient(cc).Put(seamtest.Limit(d), &pb.PutRequest{Key: []byte("greeting"), Value: []byte("hello")})
	return err
}

// say connects, says something, and reads until the server hangs up.
func (d *door) say(text string) {
	d.Helper()
	conn, err := new(net.Dialer).DialContext(seamtest.Limit(d), "tcp", d.Endpoint())
	if err != nil {
		d.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		d.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		d.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // it may be reset
}

// has checks that a timeline shows these stages.
func has(t testing.TB, tl *trace.Timeline, stages ...stages.Stage) {
	t.Helper()
	for _, s := range stages {
		if st := tl.Stage(s.String()); st == nil {
			t.Errorf("%s is not in the timeline of %q", s, tl.Method)
		} else if st.EndNS < st.BeginNS {
			t.Errorf("%s ends at %d and begins at %d", s, st.EndNS, st.BeginNS)
		}
	}
}

// hasNot checks that it does not show these.
func hasNot(t testing.TB, tl *trace.Timeline, stages ...stages.Stage) {
	t.Helper()
	for _, s := range stages {
		if tl.Stage(s.String()) != nil {
			t.Errorf("%s is in the timeline of %q", s, tl.Method)
		}
	}
}

// closes checks that the ledger tiles the request, and that little of it is not
// explained.
func closes(t testing.TB, tl *trace.Timeline) {
	t.Helper()
	tiles(t, tl)
	if tl.Explained < leastExplained {
		t.Errorf("%.2f of %q is explained: %+v", tl.Explained, tl.Method, tl.Ledger)
	}
}

// shutListener fails a number of times before it accepts.
type shutListener struct {
	net.Listener
	left *atomic.Int32
}

func (l shutListener) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// The connection that is accepted after a row of failures tells of them, whoever
// waited between them: cmux's loop, with what stands below it, or grpc-go's.
func TestFailuresOfAcceptAreToldByTheNextConnection(t *testing.T) {
	for name, shut := range map[string]func(*doorConfig, *atomic.Int32){
		"cmux's loop": func(c *doorConfig, left *atomic.Int32) {
			observe := c.Seams.Accept
			c.Seams.Accept = func(l net.Listener) net.Listener { return observe(shutListener{l, left}) }
		},
		"grpc-go's loop": func(c *doorConfig, left *atomic.Int32) {
			observe := c.Seams.Listener
			c.Seams.Listener = func(l net.Listener) net.Listener { return observe(shutListener{l, left}) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			var left atomic.Int32
			left.Store(3)
			d := openDoor(t, func(c *doorConfig) { shut(c, &left) })
			if _, err := pb.NewKVClient(d.Conn).Put(seamtest.Limit(t), &pb.PutRequest{Key: []byte("k")}); err != nil {
				t.Fatal(err)
			}
			st := d.next().Find(stages.AcceptBackoff)
			if st == nil {
				t.Fatal("no back-off in the timeline")
			}
			if d := st.Duration(); d < 35e6 { // 5, 10 and 20 ms
				t.Errorf("it took %d ns", d)
			}
			if st.Attributes[trace.AttrAttempts] != "3" || st.Attributes[trace.AttrError] != "accept tcp: accept4: too many open files" {
				t.Errorf("attributes %v", st.Attributes)
			}
		})
	}
}

// A put as JSON, whose gRPC call comes by way of ServeHTTP, is one timeline, and
// what it waited in has a name.
func TestTheGatewayOverServeHTTPIsExplained(t *testing.T) {
	const puts = 51
	ca := servetest.NewAuthority(t)
	d := openDoor(t, func(c *doorConfig) {
		ca.Secure(&c.Config)
		c.ServeTLSThroughHTTP = true
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: ca.Client("")}}
	t.Cleanup(client.CloseIdleConnections)
	var explained []float64
	for range puts {
		req, err := http.NewRequestWithContext(seamtest.Limit(t), http.MethodPost, "https://"+d.Endpoint()+"/v3/kv/put",
			strings.NewReader(`{"key":"Z3JlZXRpbmc=","value":"aGVsbG8="}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		tl := d.next()
		has(t, tl, stages.HTTPHandler, stages.GatewayCall, stages.ServeHTTP, stages.ProcessRPC, stages.WALSync, stages.ClientRecv, stages.HTTPFlush)
		explained = append(explained, tl.Explained)
	}
	slices.Sort(explained)
	if median := explained[puts/2]; median < 0.97 {
		t.Errorf("%.3f of the median put is explained", median)
	}
}

// Half a request and then silence: what net/http waited for is named, and how far
// its edges can be believed.
func TestHalfARequestIsWaitedFor(t *testing.T) {
	d := openDoor(t, func(c *doorConfig) { c.ConnectionTimeout = 50 * time.Millisecond })
	d.say("GET /health HTTP/1.1\r\nHost:")
	tl := d.next()
	has(t, tl, stages.HTTPConn, stages.HTTPReadRequest)
	closes(t, tl)
	if waited := tl.Waited()[stages.HTTPReadRequest.String()]; 2*waited < tl.DurationNS {
		t.Errorf("waited %v", tl.Waited())
	}
	if st := tl.Find(stages.HTTPReadRequest); !st.Open || st.BeginEdge != stages.Inferred || st.EndEdge != stages.Inferred {
		t.Errorf("%+v", st)
	}
}
