package tour

import (
	"context"
	"os"
	"testing"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/timelinetest"
)

func limit(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Every request that can be made is made on a real server, and each has the stage in
// its timeline that tells it from the others.
func TestEveryRequestCanBeMade(t *testing.T) {
	live, err := Start(limit(t), LiveOptions{Log: demo.FailureLog(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := live.Close(); err != nil {
			t.Error(err)
		}
	}()
	passes := map[string]stages.Stage{
		"put": stages.WALSync, "get": stages.ReadIndex, "serializable": stages.TxnRange, "delete": stages.TxnDeleteRange, "txn": stages.TxnTxn,
		"lease": stages.V3LeaseGrant, "lock": stages.V3Lock, "watch": stages.WatchNotify, "unknown": stages.HandleStream,
	}
	for _, r := range Requests() {
		t.Run(r.Name, func(t *testing.T) {
			for range 2 { // whatever the first one leaves behind
				tl, err := live.Do(limit(t), r.Name)
				if err != nil {
					t.Fatal(err)
				}
				if want := passes[r.Name]; New(tl, nil).Index(want) < 0 {
					t.Errorf("%s is not among the stops of %s", want, tl.Method)
				}
			}
		})
	}
	t.Run("another server's", func(t *testing.T) {
		reach, err := live.Server().Reach()
		if err != nil {
			t.Fatal(err)
		}
		other, err := Start(limit(t), LiveOptions{Endpoint: reach.Endpoints[0], TraceURL: live.Server().TraceURL()})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := other.Close(); err != nil {
				t.Error(err)
			}
		}()
		for _, name := range []string{"put", "watch"} {
			tl, err := other.Do(limit(t), name)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := other.Get(limit(t), tl.TraceID); err != nil || again.Method != tl.Method {
				t.Errorf("%s by its trace ID: %v, %v", name, again, err)
			}
		}
		if last, err := other.Last(limit(t), 2); err != nil || len(last) != 2 {
			t.Errorf("the last two: %v, %v", last, err)
		}
	})
	if _, err := live.Do(limit(t), "push"); err == nil {
		t.Error("a request that there is not was made")
	}
}

const put = `request /etcdserverpb.KV/Put OK 1.14ms observer=client conn=1 key=greeting
v3rpc.Put 134us 806us
wal.save 298us 608us
wal.sync 305us 400us shared=12
wal.sync 450us 607us in=wal.save
raft.commit 608us 663us
span.of.another.program 700us 710us
not tls.handshake connection reused
`

func parse(t *testing.T, text string) *trace.Timeline {
	t.Helper()
	tl, err := timelinetest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return tl
}

// The stops' waits and the unexplained time add up to the request's duration.
func TestTheStopsWaitAsLongAsTheLedgerSays(t *testing.T) {
	w := New(parse(t, put), nil)
	sum := w.Unexplained()
	for i := range w.Stops {
		sum += w.Stops[i].Waited
	}
	if sum != w.Timeline.DurationNS {
		t.Errorf("%d ns in the stops and unexplained, %d in the request", sum, w.Timeline.DurationNS)
	}
	if s := w.Stops[w.Index(stages.WALSync)]; len(s.Times) != 2 || s.Took != 252_000 || s.Waited != 252_000 {
		t.Errorf("wal.sync: %d times, took %d, waited %d", len(s.Times), s.Took, s.Waited)
	}
	if w.Index(stages.None) != -1 {
		t.Error("a span that the catalogue does not know is a stage")
	}
}

// A jump leads to the stop, where the request passed the stage; beyond it where not;
// to the source where no stage stands for the symbol.
func TestJumpsKnowWhereTheyLead(t *testing.T) {
	book := func(s stages.Stage, _ lang.Lang) (*chapter.Chapter, bool) {
		return &chapter.Chapter{Stage: s, Jumps: []chapter.Jump{
			{Kind: chapter.Caller, Stage: stages.WALSave, Target: "wal.save"},
			{Kind: chapter.Handover, Stage: stages.PeerSend, Target: "peer.send", Note: "over there"},
			{Kind: chapter.Callee, Target: "os.(*File).Sync"},
		}}, s == stages.WALSync
	}
	w := NewWithBook(parse(t, put), nil, book)
	jumps := w.Jumps(&w.Stops[w.Index(stages.WALSync)], lang.EN)
	if len(jumps) != 3 || w.Stops[jumps[0].Stop].Stage != stages.WALSave || jumps[1].Stop != -1 || jumps[1].Name() != "peer.send" || jumps[2].Symbol != "os.(*File).Sync" {
		t.Errorf("jumps: %+v", jumps)
	}
	unwritten := w.Stops[w.Index(stages.RaftCommit)]
	if jumps := w.Jumps(&unwritten, lang.EN); len(jumps) == 0 || jumps[0].Symbol == "" {
		t.Errorf("without a chapter the catalogue's advice is missing: %+v", jumps)
	}
	if why := w.Missing(stages.TLSHandshake, lang.EN); why != "connection reused" {
		t.Errorf("no TLS handshake, because %q", why)
	}
}

func TestSourceIsCutOnceHoweverManyAsk(t *testing.T) {
	library, err := source.ForModule(limit(t), "../../..")
	if err != nil {
		t.Fatal(err)
	}
	w := New(parse(t, put), library)
	q := chapter.Quote{Symbol: "go.etcd.io/etcd/server/v3/storage/wal.(*WAL).sync"}
	got := make(chan *source.Excerpt, 8)
	for range cap(got) {
		go func() {
			e, err := w.Excerpt(q)
			if err != nil {
				t.Error(err)
			}
			got <- e
		}()
	}
	first := <-got
	for range cap(got) - 1 {
		if e := <-got; e != first || e == nil {
			t.Fatal("another excerpt, or none")
		}
	}
}

func TestASymbolIsShortenedToItsPackagesName(t *testing.T) {
	for symbol, want := range map[string]string{
		"go.etcd.io/raft/v3.(*node).run":                                 "raft.(*node).run",
		"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc.(*kvServer).Put": "v3rpc.(*kvServer).Put",
		"google.golang.org/grpc/internal/transport.NewServerTransport":   "transport.NewServerTransport",
		"example.com/a/v2.(*Box[example.com/b/v3.T]).Open":               "a.(*Box[example.com/b/v3.T]).Open",
		"net.(*netFD).accept":                                            "net.(*netFD).accept",
		"no symbol":                                                      "no symbol",
	} {
		if got := ShortName(symbol); got != want {
			t.Errorf("%s: %s, want %s", symbol, got, want)
		}
	}
}
