package trace

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The client waited from 100 (its write returned) to 900 (its read returned) of
// 1000; the server was at work for 600.
func halves() (client, server *Timeline) {
	client = &Timeline{
		TraceID: "t", Method: "/a/B", Code: "OK", Observer: ObserverClient, DurationNS: 1000,
		NotReached: []NotReached{{HandleStream.String(), WhyBeforeTap}},
		Stages: []StageTime{
			{Stage: ClientSend.String(), BeginNS: 0, EndNS: 100},
			{Stage: NetRequest.String(), BeginNS: 100, EndNS: 1000, Open: true},
			{Stage: ClientRecv.String(), BeginNS: 900, EndNS: 1000},
		},
	}
	server = &Timeline{
		TraceID: "t", Method: "/a/B", Code: "OK", Observer: ObserverServer, DurationNS: 600, BytesIn: 7, BytesOut: 8,
		Connection: Connection{ID: 3, Reused: true, Peer: "p"}, Attributes: map[string]string{AttrKey: "k"},
		NotReached: []NotReached{{NetAccept.String(), WhyReused}},
		Stages: []StageTime{
			{Stage: ServeStreams.String(), Scope: ScopeConn, BeginNS: -5000, EndNS: 600, Open: true},
			{Stage: OperateHeaders.String(), BeginNS: 0, EndNS: 50},
			{Stage: HandleStream.String(), BeginNS: 50, EndNS: 500},
			{Stage: Flush.String(), BeginNS: 500, EndNS: 600},
		},
	}
	return client, server
}

type row struct {
	stage      string
	begin, end int64
}

func rows(tl *Timeline) (all []row) {
	for _, r := range tl.Ledger {
		all = append(all, row{r.Stage, r.BeginNS, r.EndNS})
	}
	return all
}

func TestOnOneClockTheServersPartLiesWhereItWas(t *testing.T) {
	client, server := halves()
	at := Align(Origin{"boot", 5_000}, Origin{"boot", 5_250})
	m := Merge(client, server, at)
	checkLedger(t, m)
	want := []row{
		{"client.send", 0, 100}, {"net.request", 100, 250}, {"grpc.operateHeaders", 250, 300}, {"grpc.handleStream", 300, 750},
		{"grpc.flush", 750, 850}, {"net.reply", 850, 900}, {"client.recv", 900, 1000},
	}
	if got := rows(m); !slices.Equal(got, want) {
		t.Fatalf("ledger %v\nwant %v", got, want)
	}
	if m.Observer != ObserverClient || m.Connection.ID != 3 || m.Attributes[AttrKey] != "k" || m.BytesOut != 8 ||
		m.NotReached[0].Why != WhyReused || m.Explained != 1 {
		t.Fatalf("%+v", m)
	}
	if st := m.Stage("net.request"); st.EndEdge != Exact || st.Open {
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
	for _, at := range []Alignment{Align(Origin{"one", 1}, Origin{"two", 2}), Align(Origin{"", 1}, Origin{"", 2})} {
		m := Merge(client, server, at)
		checkLedger(t, m)
		out, back := m.Stage("net.request"), m.Stage("net.reply")
		if out.BeginNS != 100 || out.EndNS != 200 || out.BeginEdge != Exact || out.EndEdge != Inferred {
			t.Errorf("net.request: %+v", out)
		}
		if back.BeginNS != 800 || back.EndNS != 900 || back.BeginEdge != Inferred || back.EndEdge != Exact {
			t.Errorf("net.reply: %+v", back)
		}
	}
}

func TestWithoutTheServersPartTheWaitIsUnexplained(t *testing.T) {
	client, _ := halves()
	m := Merge(client, nil, Alignment{})
	checkLedger(t, m)
	want := []row{{"client.send", 0, 100}, {Unexplained, 100, 900}, {"client.recv", 900, 1000}}
	if got := rows(m); !slices.Equal(got, want) {
		t.Fatalf("ledger %v", got)
	}
	if len(m.NotReached) != 1 || m.NotReached[0].Why != WhyNotSeen {
		t.Fatalf("not reached: %v", m.NotReached)
	}
}

func TestARequestWithoutAReplyHasNoWayBack(t *testing.T) {
	client, server := halves()
	client.Stages, client.Code = client.Stages[:2], "Canceled"
	m := Merge(client, server, Alignment{Exact: true, ShiftNS: 150})
	checkLedger(t, m)
	if st := m.Stage("net.reply"); st != nil {
		t.Fatalf("net.reply: %+v", st)
	}
	if m.Code != "Canceled" {
		t.Fatalf("code %s", m.Code)
	}
}

func TestMergingLeavesNoNegativeRows(t *testing.T) {
	seeds(t, 300, func(t *testing.T, rng *rand.Rand) {
		client, server := halves()
		for _, half := range []*Timeline{client, server} {
			half.Stages = slices.DeleteFunc(half.Stages, func(StageTime) bool { return rng.IntN(4) == 0 })
			half.DurationNS = rng.Int64N(2000)
		}
		m := Merge(client, server, Alignment{Exact: rng.IntN(2) == 0, ShiftNS: rng.Int64N(3000) - 1000})
		checkLedger(t, m)
		for _, st := range m.Stages {
			if st.EndNS < st.BeginNS {
				t.Errorf("%s is %d…%d", st.Stage, st.BeginNS, st.EndNS)
			}
		}
		if !slices.IsSortedFunc(m.Stages, func(a, b StageTime) int { return placeOf(a) - placeOf(b) }) {
			t.Errorf("not in the order of the path: %v", stageNames(m))
		}
	})
}

// placeOf is a stage's place on the path; what the catalogue does not know comes last.
func placeOf(st StageTime) int {
	if s, known := StageByName(st.Stage); known {
		return int(s)
	}
	return int(NumStages)
}
