package client_test

import (
	"testing"

	"glasskv/server/serve/servetest"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/client/clienttest"
)

// The handshake lies in both sides' parts: in client.dial, and in the server's
// handleRawConn.
func TestBothSidesAreOneTimelineOverTLS(t *testing.T) {
	ca := servetest.NewAuthority(t)
	server := clienttest.StartWith(t, ca.Secure)
	ctx := servetest.Context(t)
	endpoints := []string{"https://" + server.Endpoint()}
	creds, err := client.Security{CAFile: ca.File}.Creds(endpoints)
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, client.Options{Endpoints: endpoints, Creds: creds})
	for i, want := range [][]string{
		{"client.dial", "client.send", "net.accept", "grpc.handleRawConn", "tls.handshake", "grpc.newHTTP2Transport", "wal.sync", "client.recv"},
		{"client.send", "net.request", "wal.sync", "client.recv"},
	} {
		o, err := c.Do(ctx, put(c, "greeting"))
		if err != nil {
			t.Fatal(err)
		}
		tl, err := c.Join(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		wantTiles(t, tl)
		for _, stage := range want {
			if tl.Stage(stage) == nil {
				t.Errorf("request %d: no %s", i, stage)
			}
		}
		if (tl.Stage("tls.handshake") == nil) != (i > 0) || tl.Explained < 0.95 {
			t.Errorf("request %d: stages %v, %.1f %% explained: %v", i, tl.Stages, 100*tl.Explained, tl.Waited())
		}
	}
}
