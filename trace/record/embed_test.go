package record_test

import (
	"slices"
	"sync"
	"testing"

	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/record/recordtest"
	"glasskv/trace/stages"
	"glasskv/trace/tracetest"
)

func TestAGatewaysCallIsPartOfItsRequest(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	h, c, s := recordtest.GatewayPut(t, rc)
	for _, r := range []*record.Record{h, c, s} {
		r.Done(record.AllEvents)
	}
	tl := h.Timeline()
	tracetest.CheckLedger(t, tl)
	want := []row{
		{"http.readRequest", 0, 50}, {"http.handler", 50, 60}, {"gateway.decode", 60, 100}, {"gateway.call", 100, 110},
		{"client.send", 110, 200}, {"net.request", 200, 220}, {"grpc.operateHeaders", 220, 260}, {"grpc.startHandler", 260, 300},
		{"grpc.handleStream", 300, 310}, {"v3rpc.Put", 310, 680}, {"grpc.handleStream", 680, 690}, {"grpc.flush", 690, 740},
		{"net.reply", 740, 750}, {"client.recv", 750, 790}, {trace.Unexplained, 790, 800}, {"gateway.encode", 800, 890},
		{"http.handler", 890, 900}, {"http.flush", 900, 1000},
	}
	if got := rows(tl); !slices.Equal(got, want) {
		t.Errorf("ledger %v\nwant   %v", got, want)
	}
	if tl.Method != "POST /v3/kv/put" || tl.Code != "200 OK" || tl.Attributes[trace.AttrHTTPStatus] != "200" || tl.DurationNS != 1000 {
		t.Errorf("%s %s %v, %d ns", tl.Method, tl.Code, tl.Attributes, tl.DurationNS)
	}
	if len(tl.Parts) != 1 || tl.Parts[0].Under != "gateway.call" || tl.Parts[0].Method != "/etcdserverpb.KV/Put" ||
		tl.Parts[0].Attributes[trace.AttrKey] != "greeting" || tl.Parts[0].Connection.Peer != "127.0.0.1:4712" {
		t.Errorf("parts: %+v", tl.Parts)
	}
	if st := tl.Stage("grpc.handleStream"); st.Parent != "gateway.call" || st.Part != 1 {
		t.Errorf("handleStream: %+v", st)
	}
	if st := tl.Stage("client.send"); st.Node != "client" {
		t.Errorf("client.send: %+v", st)
	}
}

func TestTheOuterRecordWaitsForItsParts(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	for _, order := range [][3]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}, {2, 0, 1}} {
		h, c, s := recordtest.GatewayPut(t, rc)
		all := [3]*record.Record{h, c, s}
		for i, n := range order {
			if h.Finished() {
				t.Fatalf("order %v: finished after %d of 3", order, i)
			}
			all[n].Done(record.AllEvents)
		}
		if !h.Finished() {
			t.Fatalf("order %v: all are done and it is not finished", order)
		}
		if last := rc.Last(2); len(last) == 0 || last[0] != h || slices.Contains(last, c) || slices.Contains(last, s) {
			t.Errorf("order %v: the last ones are %v", order, last)
		}
		for _, part := range []*record.Record{c, s} {
			if got, err := rc.WaitFor(t.Context(), part.TraceID()); err != nil || got != h {
				t.Errorf("order %v: looked up by its part it is %v, %v", order, got, err)
			}
		}
	}
	if s := rc.Stats(); s.Live != 0 || s.Finished != s.Begun {
		t.Errorf("stats: %+v", s)
	}
}

func TestASweptRecordDoesNotWaitForItsParts(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	h, c, s := recordtest.GatewayPut(t, rc)
	h.Done(record.AllEvents)
	h.Mark(record.MarkSwept)
	h.Done(record.EventHandled)
	if !h.Finished() || !c.Finished() || !s.Finished() {
		t.Fatal("it still waits, or its parts do not know that nobody waits for them")
	}
	late := rc.Start(nil, 0, record.Now())
	if h.Embed(late, stages.GatewayCall) {
		t.Error("a finished record took another part")
	}
	c.Done(record.AllEvents)
	s.Done(record.AllEvents)
	late.Done(record.AllEvents)
	if s := rc.Stats(); s.Live != 0 || s.Finished != s.Begun {
		t.Errorf("stats: %+v", s)
	}
	if last := rc.Last(3); len(last) != 2 || last[0] != late || last[1] != h {
		t.Errorf("the last ones are %v", last)
	}
}

func TestPartsBeyondTheBoundAreCounted(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	r := rc.Start(nil, 0, record.Now())
	var all sync.WaitGroup
	const more = 5
	for range trace.MaxEmbedded + more {
		all.Go(func() {
			part := rc.Start(nil, 0, record.Now())
			part.BeginAt(stages.V3Txn, record.Now())
			r.Embed(part, stages.V3Lock)
			part.Done(record.AllEvents)
		})
	}
	all.Wait()
	r.Done(record.AllEvents)
	if !r.Finished() {
		t.Fatal("not finished")
	}
	tl := r.Timeline()
	if len(tl.Parts) != trace.MaxEmbedded || tl.Attributes[trace.AttrNotShown] != "5" {
		t.Errorf("%d parts, %v", len(tl.Parts), tl.Attributes)
	}
	if s := rc.Stats(); s.NotEmbedded != more || s.Live != 0 || s.Finished != trace.MaxEmbedded+1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestWhatCannotBeAPartIsLeftAlone(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	other := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, other)
	r, over, foreign := rc.Start(nil, 0, record.Now()), rc.Start(nil, 0, record.Now()), other.Start(nil, 0, record.Now())
	over.Done(record.AllEvents)
	part := rc.Start(nil, 0, record.Now())
	if !r.Embed(part, stages.V3Lock) {
		t.Fatal("refused")
	}
	for what, refused := range map[string]bool{
		"itself":        r.Embed(r, stages.V3Lock),
		"what it is in": part.Embed(r, stages.V3Lock),
		"twice":         r.Embed(part, stages.V3Lock),
		"finished":      r.Embed(over, stages.V3Lock),
		"another's":     r.Embed(foreign, stages.V3Lock),
		"nothing":       r.Embed(nil, stages.V3Lock),
		"into nothing":  (*record.Record)(nil).Embed(r, stages.V3Lock),
	} {
		if refused {
			t.Errorf("embedded: %s", what)
		}
	}
	foreign.Done(record.AllEvents)
	part.Done(record.AllEvents)
	r.Done(record.AllEvents)
	if s := rc.Stats(); s.Live != 0 || s.Finished != 3 {
		t.Errorf("stats: %+v", s)
	}
}

// A lock that is made of two transactions has two of each of their stages.
func TestStagesOfOneNameLieEachInTheirOwnPart(t *testing.T) {
	rc := record.NewRecorder(record.Options{})
	defer tracetest.Close(t, rc)
	begin := record.Now()
	r := rc.Start(nil, 0, begin)
	r.BeginAt(stages.V3Lock, begin)
	for i := range int64(2) {
		part := rc.Start(nil, 0, begin+100*i)
		part.Mark(record.MarkInProcess)
		for s, at := range map[stages.Stage][2]int64{stages.V3Txn: {10, 90}, stages.RaftRequest: {20, 80}, stages.ProcessOnce: {30, 70}, stages.RaftPropose: {40, 60}} {
			part.BeginAt(s, begin+100*i+at[0])
			part.EndAt(s, begin+100*i+at[1])
		}
		r.Embed(part, stages.V3Lock)
		part.Done(record.AllEvents)
	}
	r.EndAt(stages.V3Lock, begin+250)
	r.SetEnd(begin + 250)
	r.Done(record.AllEvents)
	tl := r.Timeline()
	tracetest.CheckLedger(t, tl)
	parents := tl.Parents()
	for i := range tl.Stages {
		st := &tl.Stages[i]
		if st.Part == 0 {
			continue
		}
		above := &tl.Stages[parents[i]]
		if above.Stage != st.Parent || st.Stage != "v3rpc.Txn" && above.Part != st.Part {
			t.Errorf("%s of part %d lies in %s of part %d", st.Stage, st.Part, above.Stage, above.Part)
		}
	}
	if got := tl.Waited(); got["raft.propose"] != 40 || got["etcdserver.processInternalRaftRequestOnce"] != 20 {
		t.Errorf("waited %v", got)
	}
}

type row struct {
	stage      string
	begin, end int64
}

func rows(tl *trace.Timeline) (all []row) {
	for _, r := range tl.Ledger {
		all = append(all, row{r.Stage, r.BeginNS, r.EndNS})
	}
	return all
}
