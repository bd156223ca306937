package seam

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"glasskv/server/seam/seamtest"
	"glasskv/server/serve/servetest"
	"glasskv/trace/stages"
)

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
