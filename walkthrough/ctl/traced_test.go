package ctl

import (
	"encoding/json"
	"strings"
	"testing"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/walkthrough/client/clienttest"
)

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
