package demo

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// seen is what an act's timeline must show.
type seen struct {
	branch, code string
	has, hasNot  []string // stages
	fact         string   // an attribute, as key=value
}

var (
	none   []string
	noRPC  = []string{"grpc.processRPC"}
	noConn = []string{"grpc.operateHeaders"}
)

// everyAct stands in path order, as the branches do.
var everyAct = []seen{
	{"accept-backoff", "OK", []string{"net.backoff", "wal.sync"}, none, ""},
	{"serve-after-stop", "Unavailable", []string{"client.dial"}, []string{"net.accept"}, ""},
	{"connection-timeout", "", []string{"grpc.newHTTP2Transport"}, noConn, "failed_conn=true"},
	{"bogus-preface", "", []string{"cmux.match"}, noConn, "failed_conn=true"},
	{"tls", "OK", []string{"grpc.handleRawConn", "tls.handshake", "grpc.serveStreams", "wal.sync"}, []string{"grpc.ServeHTTP"}, ""},
	{"tls-refused", "", []string{"tls.handshake"}, noConn, "failed_conn=true"},
	{"serve-http", "OK", []string{"tls.handshake", "grpc.ServeHTTP", "wal.sync"}, []string{"grpc.handleRawConn", "grpc.serveStreams"}, "serve_http=true"},
	{"stream-quota", "Unavailable", []string{"grpc.operateHeaders"}, []string{"grpc.startHandler"}, "outcome=refused"},
	{"goroutine-per-stream", "OK", []string{"grpc.startHandler"}, none, ""},
	{"stream-workers", "OK", []string{"grpc.startHandler"}, none, "worker=took"},
	{"workers-busy", "OK", []string{"grpc.startHandler"}, none, "worker=spilled"},
	{"malformed-method", "Unimplemented", []string{"grpc.startHandler"}, noRPC, ""},
	{"unknown-service", "Unimplemented", []string{"grpc.handleStream"}, noRPC, ""},
	{"unknown-method", "Unimplemented", []string{"grpc.handleStream"}, noRPC, ""},
	{"unknown-service-handler", "Unimplemented", []string{"grpc.processRPC", "grpc.handler"}, none, "streaming=true"},
	{"unary", "OK", []string{"grpc.recvMsg", "v3rpc.Put", "grpc.sendMsg"}, none, ""},
	{"server-stream", "OK", []string{"grpc.recvMsg", "grpc.sendMsg"}, none, "streaming=true"},
	{"client-stream", "OK", []string{"grpc.recvMsg", "grpc.sendMsg"}, none, "streaming=true"},
	{"bidi-stream", "OK", []string{"grpc.recvMsg", "grpc.sendMsg"}, none, "streaming=true"},
	{"interceptor-refuses", "InvalidArgument", []string{"codec.decode", "grpc.interceptors"}, []string{"v3rpc.Put"}, ""},
	{"handler-panic", "Internal", []string{"grpc.handler"}, []string{"grpc.sendMsg"}, "panic=true"},
	{"compression", "OK", []string{"codec.decode"}, none, "compression=gzip"},
	{"message-too-large", "ResourceExhausted", []string{"grpc.recvMsg"}, []string{"codec.decode"}, ""},
	{"client-send-limit", "ResourceExhausted", []string{"client.send"}, []string{"codec.decode"}, ""},
	{"flow-control", "OK", []string{"grpc.flowControl"}, none, ""},
	{"keepalive-ping", "Canceled", []string{"grpc.handler"}, []string{"grpc.flush"}, "outcome=conn-closed"},
	{"too-many-pings", "Canceled", []string{"grpc.handler"}, []string{"grpc.flush"}, "goaway=true"},
	{"connection-age", "Canceled", []string{"grpc.handler"}, []string{"grpc.flush"}, "goaway=true"},
	{"goaway", "Unavailable", []string{"grpc.operateHeaders"}, []string{"grpc.startHandler", "grpc.flush"}, "goaway=true"},
	{"graceful-stop", "OK", []string{"grpc.handler", "grpc.flush"}, none, "goaway=true"},
	{"stop", "Unavailable", []string{"grpc.handler"}, []string{"grpc.flush"}, "outcome=stopping"},
}

// Every branch is played and shows what its text promises.
func TestEveryBranchIsPlayed(t *testing.T) {
	var played []string
	for _, want := range everyAct {
		played = append(played, want.branch)
		t.Run(want.branch, func(t *testing.T) {
			var tl trace.Timeline
			if err := json.Unmarshal([]byte(run(t, want.branch, "--output", "json")), &tl); err != nil {
				t.Fatal(err)
			}
			if tl.Code != want.code {
				t.Errorf("code %q, want %q: %s", tl.Code, want.code, tl.Message)
			}
			for _, stage := range want.has {
				if tl.Stage(stage) == nil {
					t.Errorf("no %s", stage)
				}
			}
			for _, stage := range want.hasNot {
				if tl.Stage(stage) != nil {
					t.Errorf("there is %s", stage)
				}
			}
			if key, value, _ := strings.Cut(want.fact, "="); tl.Attributes["glasskv."+key] != value {
				t.Errorf("facts %v, want %s", tl.Attributes, want.fact)
			}
		})
	}
	if names := branchNames(); !slices.Equal(played, names) || len(acts) != len(names) {
		t.Errorf("played %v, %d acts of branches %v", played, len(acts), names)
	}
}

func TestABranchAsTextFitsTheScreenAndSpeaksBothLanguages(t *testing.T) {
	b, _ := branch.Find("stream-quota")
	for _, c := range []struct {
		flags []string
		width int
		text  branch.Text
	}{
		{[]string{"--lang", "en", "--width", "80"}, 80, b.In(lang.EN)},
		{[]string{"--lang", "zh", "--width", "80"}, 80, b.In(lang.ZH)},
		{[]string{"--lang", "en", "--width", "160"}, 160, b.In(lang.EN)},
	} {
		got := run(t, b.Name, c.flags...)
		for _, part := range []string{b.Name, c.text.Title, "RST_STREAM: REFUSED_STREAM", "grpc.operateHeaders", "glasskv explain " + b.Name} {
			if !strings.Contains(got, part) {
				t.Errorf("%v: no %q", c.flags, part)
			}
		}
		for line := range strings.Lines(got) {
			if line = strings.TrimRight(line, "\n"); screen.Width(line) > c.width {
				t.Errorf("%v: a line of %d columns: %s", c.flags, screen.Width(line), line)
			}
		}
	}
}
