package trace_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

// The client waited from 100 (its write returned) to 900 (its read returned) of
// 1000; the server was at work for 600.
func halves() (client, server *trace.Timeline) {
	client = &trace.Timeline{
		TraceID: "t", Method: "/a/B", Code: "OK", Observer: trace.ObserverClient, DurationNS: 1000,
		NotReached: []trace.NotReached{{stages.HandleStream.String(), trace.WhyBeforeTap}},
		Stages: []trace.StageTime{
			{Stage: stages.ClientSend.String(), BeginNS: 0, EndNS: 100},
			{Stage: stages.NetRequest.String(), BeginNS: 100, EndNS: 1000, Open: true},
			{Stage: stages.ClientRecv.String(), BeginNS: 900, EndNS: 1000},
		},
	}
	server = &trace.Timeline{
		TraceID: "t", Method: "/a/B", Code: "OK", Observer: trace.ObserverServer, DurationNS: 600, BytesIn: 7, BytesOut: 8,
		Connection: trace.Connection{ID: 3, Reused: true, Peer: "p"}, Attributes: map[string]string{trace.AttrKey: "k"},
		NotReached: []trace.NotReached{{stages.NetAccept.String(), trace.WhyReused}},
		Stages: []trace.StageTime{
			{Stage: stages.ServeStreams.String(), Scope: stages.ScopeConn, BeginNS: -5000, EndNS: 600, Open: true},
			{Stage: stages.OperateHeaders.String(), BeginNS: 0, EndNS: 50},
			{Stage: stages.HandleStream.String(), BeginNS: 50, EndNS: 500},
			{Stage: stages.Flush.String(), BeginNS: 500, EndNS: 600},
		},
	}
	return client, server
}

type Row struct {
	stage      string
	begin, end int64
}

func Rows(tl *trace.Timeline) (all []Row) {
	for _, r := range tl.Ledger {
		all = append(all, Row{r.Stage, r.BeginNS, r.EndNS})
	}
	return all
}

func TestOnOneClockTheServersPartLiesWhereItWas(t *testing.T) {
	client, server := halves()
	at := trace.Align(trace.Origin{"boot", 5_000}, trace.Origin{"boot", 5_250})
	m := trace.Merge(client, server, at)
	tracetest.CheckLedger(t, m)
	want := []Row{
		{"client.send", 0, 100}, {"net.request", 100, 250}, {"grpc.operateHeaders", 250, 300}, {"grpc.handleStream", 300, 750},
		{"grpc.flush", 750, 850}, {"net.reply", 850, 900}, {"client.recv", 900, 1000},
	}
	if got := Rows(m); !slices.Equal(got, want) {
		t.Fatalf("ledger %v\nwant %v", got, want)
	}
	if m.Observer != trace.ObserverClient || m.Connection.ID != 3 || m.Attributes[trace.AttrKey] != "k" || m.BytesOut != 8 ||
		m.NotReached[0].Why != trace.WhyReused || m.Explained != 1 {
		t.Fatalf("%+v", m)
	}
	if st := m.Stage("net.request"); st.EndEdge != stages.Exact || st.Open {
		t.Errorf("net.request: %+v", st)
	}
	if st := m.Stage("client.send"); st.Node != "client" {
		t.Errorf("client.send: %+v", st)
	}
	if len(client.Stages) != 3 || client.Stages[0].Node != "" || server.Stages[1].BeginNS != 0 {
		t.Error("the halves were changed")
	}
}

func TestOnUnknownClocksTheServersPartLiesInTheMiddle(t *testing.T) {
	client, server := halves()
	for _, at := range []trace.Alignment{trace.Align(trace.Origin{"one", 1}, trace.Origin{"two", 2}), trace.Align(trace.Origin{"", 1}, trace.Origin{"", 2})} {
		m := trace.Merge(client, server, at)
		tracetest.CheckLedger(t, m)
		out, back := m.Stage("net.request"), m.Stage("net.reply")
		if out.BeginNS != 100 || out.EndNS != 200 || out.BeginEdge != stages.Exact || out.EndEdge != stages.Inferred {
			t.Errorf("net.request: %+v", out)
		}
		if back.BeginNS != 800 || back.EndNS != 900 || back.BeginEdge != stages.Inferred || back.EndEdge != stages.Exact {
			t.Errorf("net.reply: %+v", back)
		}
	}
}

func TestWithoutTheServersPartTheWaitIsUnexplained(t *testing.T) {
	client, _ := halves()
	m := trace.Merge(client, nil, trace.Alignment{})
	tracetest.CheckLedger(t, m)
	want := []Row{{"client.send", 0, 100}, {trace.Unexplained, 100, 900}, {"client.recv", 900, 1000}}
	if got := Rows(m); !slices.Equal(got, want) {
		t.Fatalf("ledger %v", got)
	}
	if len(m.NotReached) != 1 || m.NotReached[0].Why != trace.WhyNotSeen {
		t.Fatalf("not reached: %v", m.NotReached)
	}
}

func TestARequestWithoutAReplyHasNoWayBack(t *testing.T) {
	client, server := halves()
	client.Stages, client.Code = client.Stages[:2], "Canceled"
	m := trace.Merge(client, server, trace.Alignment{Exact: true, ShiftNS: 150})
	tracetest.CheckLedger(t, m)
	if st := m.Stage("net.reply"); st != nil {
		t.Fatalf("net.reply: %+v", st)
	}
	if m.Code != "Canceled" {
		t.Fatalf("code %s", m.Code)
	}
}

func TestMergingLeavesNoNegativeRows(t *testing.T) {
	tracetest.Seeds(t, 300, func(t *testing.T, rng *rand.Rand) {
		client, server := halves()
		for _, half := range []*trace.Timeline{client, server} {
			half.Stages = slices.DeleteFunc(half.Stages, func(trace.StageTime) bool { return rng.IntN(4) == 0 })
			half.DurationNS = rng.Int64N(2000)
		}
		m := trace.Merge(client, server, trace.Alignment{Exact: rng.IntN(2) == 0, ShiftNS: rng.Int64N(3000) - 1000})
		tracetest.CheckLedger(t, m)
		for _, st := range m.Stages {
			if st.EndNS < st.BeginNS {
				t.Errorf("%s is %d…%d", st.Stage, st.BeginNS, st.EndNS)
			}
		}
		if !slices.IsSortedFunc(m.Stages, func(a, b trace.StageTime) int { return placeOf(a) - placeOf(b) }) {
			t.Errorf("not in the order of the path: %v", tracetest.Names(m))
		}
	})
}

// placeOf is a stage's place on the path; what the catalogue does not know comes last.
func placeOf(st trace.StageTime) int {
	if s, known := stages.ByName(st.Stage); known {
		return int(s)
	}
	return int(stages.NumStages)
}
