package seam

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/raft/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestARequestIsHeldUntilItIsToldToGoOn(t *testing.T) {
	s := newSteered(t, Options{})
	s.must(s.SetBreak(control.Break{Stage: "raft.propose", KeyPrefix: "/orders/", Method: "Put"}))
	s.must(<-s.put(seamtest.Limit(t), "/other")) // is none of the breakpoint's business
	done := s.put(seamtest.Limit(t), "/orders/1")
	held := s.event(control.Held).Hold
	if held.ID != 1 || held.Stage != "raft.propose" || held.Key != "/orders/1" || held.Lane != control.LaneRequest {
		t.Fatalf("held: %+v", held)
	}
	s.must(<-s.put(seamtest.Limit(t), "/another")) // only the one waits
	report, err := s.Hold(1)
	s.must(err)
	checkReport(t, report)
	s.must(s.Continue(1))
	s.must(seamtest.Await(t, "put", done))
	if e := s.event(control.Released); e.Ended != trace.EndedContinued {
		t.Errorf("it ended as %q", e.Ended)
	}
	if _, err := s.Hold(1); !errors.Is(err, control.ErrUnknown) || !strings.Contains(err.Error(), "hold 1 is over") {
		t.Errorf("a hold that is over: %v", err)
	}
	tl := s.timeline(held)
	sound(t, tl)
	if got := pausesOf(tl); !slices.Equal(got, []string{"raft.propose breakpoint continued"}) {
		t.Errorf("holds in the timeline: %q", got)
	}
	if own, pause := tl.Stage("raft.propose"), tl.Stage("seam.hold"); own.BeginNS < pause.EndNS {
		t.Errorf("raft.propose began at %d, before the hold was over at %d", own.BeginNS, pause.EndNS)
	}
}

func checkReport(t *testing.T, r *control.Report) {
	t.Helper()
	var soFar trace.Timeline
	if err := json.Unmarshal(r.Timeline, &soFar); err != nil {
		t.Fatalf("the request so far: %v", err)
	}
	if once := soFar.Stage("etcdserver.processInternalRaftRequestOnce"); once == nil || !once.Open {
		t.Errorf("the request so far is not in processInternalRaftRequestOnce: %s", r.Timeline)
	}
	roles := map[string]bool{}
	for _, g := range r.Goroutines {
		roles[g.Role] = true
		if len(g.Frames) == 0 && g.Role == "held" {
			t.Errorf("the held goroutine has no frames")
		}
	}
	for _, role := range []string{"held", "raft loop", "raft", "read loop", "loopyWriter"} {
		if !roles[role] {
			t.Errorf("no goroutine is the %s: %+v", role, r.Goroutines)
		}
	}
	first := r.Goroutines[0]
	if first.Role != "held" || first.Frames[0].Symbol != "path.(*node).Propose" {
		t.Errorf("first goroutine: %+v", first)
	}
	want := control.Frame{Symbol: "etcdserver.(*EtcdServer).processInternalRaftRequestOnce", Place: "server/etcdserver/propose.go"}
	if !slices.ContainsFunc(first.Frames, func(f control.Frame) bool {
		return f.Symbol == want.Symbol && strings.HasPrefix(f.Place, want.Place)
	}) {
		t.Errorf("no frame is %+v: %+v", want, first.Frames)
	}
	if r.Raft.State != "StateLeader" || r.Raft.Term == 0 || r.Raft.Commit == 0 || len(r.Raft.Progress) != 1 {
		t.Errorf("raft: %+v", r.Raft)
	}
	if n := len(r.WAL); n == 0 || r.WAL[n-1].Index != r.Raft.LastIndex || r.WAL[n-1].RequestID == "" {
		t.Errorf("the log ends with %+v, raft's with %d", r.WAL, r.Raft.LastIndex)
	}
	// The record of the request before may still wait for the reader to move on.
	if n := r.Queues.Requests; n < 1 || n > 2 {
		t.Errorf("queues: %+v", r.Queues)
	}
}

func TestASteppedRequestIsHeldAtEachStageThatItReaches(t *testing.T) {
	s := newSteered(t, Options{})
	s.must(s.SetBreak(control.Break{Stage: "v3rpc.Put", Once: true}))
	done := s.put(seamtest.Limit(t), "k")
	var stages []string
	var last *control.Hold
	for {
		held := s.event(control.Held).Hold
		last, stages = held, append(stages, held.Stage)
		if held.Stage == "grpc.sendMsg" {
			break
		}
		s.must(s.Step(held.ID))
	}
	if n := len(s.State().Breaks); n != 0 {
		t.Errorf("%d breakpoints are left of one that was set once", n)
	}
	s.must(s.Continue(0))
	s.must(seamtest.Await(t, "put", done))
	want := strings.Fields(`v3rpc.Put etcdserver.raftRequest etcdserver.processInternalRaftRequestOnce raft.propose
		raft.handleReady wal.save apply.entry txn.put mvcc.begin mvcc.put mvcc.end wait.trigger grpc.sendMsg`)
	if !slices.Equal(stages, want) {
		t.Errorf("held at %q\nwant %q", stages, want)
	}
	if got := pausesOf(s.timeline(last)); len(got) != len(want) || got[1] != "etcdserver.raftRequest step stepped" {
		t.Errorf("holds in the timeline: %q", got)
	}
	// Nobody steps any more: the next request goes through.
	s.must(<-s.put(seamtest.Limit(t), "k"))
}

// A request that was told to step and ended meanwhile arms no stage any more.
func TestNothingIsLeftOfAStepThatNeverCame(t *testing.T) {
	s := newSteered(t, Options{})
	s.must(s.SetBreak(control.Break{Stage: "grpc.sendMsg", Once: true}))
	done := s.put(seamtest.Limit(t), "k")
	held := s.event(control.Held).Hold
	s.must(s.Step(held.ID))
	if st := s.State(); len(st.Holds) != 0 {
		t.Errorf("who was told to go on is listed as held: %+v", st.Holds)
	}
	s.must(seamtest.Await(t, "put", done))
	s.timeline(held) // it is over
	s.must(<-s.put(seamtest.Limit(t), "k"))
	if s.observer.holds.Active() {
		t.Error("the stages are still armed")
	}
}

func TestTheClientsDeadlineStillCounts(t *testing.T) {
	for _, stage := range []string{"v3rpc.Put", "raft.propose", "wal.save", "apply.entry"} {
		t.Run(stage, func(t *testing.T) {
			s := newSteered(t, Options{})
			s.must(s.SetBreak(control.Break{Stage: stage, Once: true}))
			ctx, cancel := context.WithCancel(seamtest.Limit(t))
			done := s.put(ctx, "k")
			held := s.event(control.Held).Hold
			cancel()
			if err := seamtest.Await(t, "put", done); status.Code(err) != codes.Canceled {
				t.Errorf("the put ended with %v", err)
			}
			if e := s.event(control.Released); e.Ended != trace.EndedGone {
				t.Errorf("the hold ended as %q", e.Ended)
			}
			if got := pausesOf(s.timeline(held)); len(got) != 1 || !strings.HasPrefix(got[0], stage+" breakpoint") {
				t.Errorf("holds in the timeline: %q", got)
			}
			s.must(<-s.put(seamtest.Limit(t), "k")) // the server is none the worse
		})
	}
}

func TestAHoldEndsByItself(t *testing.T) {
	s := newSteered(t, Options{HoldTimeout: time.Millisecond})
	s.must(s.SetBreak(control.Break{Stage: "grpc.sendMsg"}))
	s.must(<-s.put(seamtest.Limit(t), "k"))
	e := s.event(control.Released)
	if e.Ended != trace.EndedTimeout {
		t.Errorf("it ended as %q", e.Ended)
	}
	if got := pausesOf(s.timeline(e.Hold)); !slices.Equal(got, []string{"grpc.sendMsg breakpoint timeout"}) {
		t.Errorf("holds in the timeline: %q", got)
	}
}

// The raft loop ticks itself, so while it stands still no time passes for raft.
func TestTheRaftLoopMayStandStillForLongerThanAnElectionTakes(t *testing.T) {
	electionTimeout := 100 * time.Millisecond
	s := newSteered(t, Options{HoldTimeout: 3 * electionTimeout}, func(c *serve.Config) { c.TickMs, c.ElectionTicks = 10, 10 })
	s.must(s.SetBreak(control.Break{Stage: "wal.save", Once: true}))
	before, err := s.kv.Range(seamtest.Limit(t), &pb.RangeRequest{Key: []byte("k")})
	s.must(err)
	s.must(<-s.put(seamtest.Limit(t), "k"))
	if e := s.event(control.Released); e.Ended != trace.EndedTimeout {
		t.Errorf("it ended as %q", e.Ended)
	}
	after, err := s.kv.Range(seamtest.Limit(t), &pb.RangeRequest{Key: []byte("k")})
	s.must(err)
	if before.GetHeader().GetRaftTerm() != after.GetHeader().GetRaftTerm() {
		t.Errorf("term %d became %d", before.GetHeader().GetRaftTerm(), after.GetHeader().GetRaftTerm())
	}
}

func TestOnlySoManyAreHeldAtOnce(t *testing.T) {
	s := newSteered(t, Options{})
	s.must(s.SetBreak(control.Break{Stage: "v3rpc.Put"}))
	var puts []<-chan error
	for range control.MaxHolds {
		puts = append(puts, s.put(seamtest.Limit(t), "k"))
		s.event(control.Held)
	}
	s.must(<-s.put(seamtest.Limit(t), "one too many"))
	s.event(control.Passed)
	if st := s.State(); st.Passed != 1 || len(st.Holds) != control.MaxHolds || st.Breaks[0].Hits != control.MaxHolds {
		t.Errorf("%d passed, %d held, %d hits", st.Passed, len(st.Holds), st.Breaks[0].Hits)
	}
	s.must(s.Continue(0))
	for _, p := range puts {
		s.must(seamtest.Await(t, "put", p))
	}
}

func TestStoppingTheServerEndsAllHolds(t *testing.T) {
	for _, stage := range []string{"v3rpc.Put", "wal.save", "apply.entry"} {
		t.Run(stage, func(t *testing.T) {
			s := newSteered(t, Options{})
			s.must(s.SetBreak(control.Break{Stage: stage}))
			done := s.put(seamtest.Limit(t), "k")
			s.event(control.Held)
			s.must(s.node.Stop(seamtest.Limit(t)))
			s.must(seamtest.Await(t, "put", done)) // a graceful stop lets it end
			if e := s.event(control.Released); e.Ended != trace.EndedStopping {
				t.Errorf("it ended as %q", e.Ended)
			}
		})
	}
}

func TestBreakpointsThatMakeNoSenseAreRefused(t *testing.T) {
	s := newSteered(t, Options{})
	for _, c := range []struct {
		b    control.Break
		says string
	}{
		{control.Break{Stage: "wal.sink"}, `no stage is called "wal.sink"`},
		{control.Break{Stage: "wal.sync"}, "the nearest stage where they can is wal.save"},
		{control.Break{Stage: "raft.waitReady"}, "the nearest stage where they can is raft.propose"},
		{control.Break{Stage: "grpc.operateHeaders"}, "the nearest stage where they can is grpc.processRPC"},
		{control.Break{Stage: "peer.send"}, "never passes it"},
		{control.Break{Stage: "seam.hold"}, "the hold itself"},
		{control.Break{Stage: "grpc.processRPC", KeyPrefix: "a"}, "its key is not known there yet"},
		{control.Break{Stage: "v3rpc.Put", KeyPrefix: strings.Repeat("k", 65)}, "at most 64"},
		{control.Break{Stage: "v3rpc.Put", Timeout: control.Duration(2 * time.Hour)}, "not above 1h0m0s"},
	} {
		if err := s.SetBreak(c.b); !errors.Is(err, control.ErrMistake) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want %q", c.b, err, c.says)
		}
	}
	if err := s.ClearBreak("v3rpc.Put"); !errors.Is(err, control.ErrUnknown) {
		t.Errorf("clear what is not set: %v", err)
	}
	if err := s.Step(3); !errors.Is(err, control.ErrUnknown) || !strings.Contains(err.Error(), "no hold 3") {
		t.Errorf("step what is not held: %v", err)
	}
}

// steered is a real server that is steered by a test.
type steered struct {
	testing.TB
	control.Steering
	node     *servetest.Node
	observer *Observer
	recorder *record.Recorder
	events   chan control.Event
	proposed chan struct{} // one for each proposal that raft has taken
	kv       pb.KVClient
}

func newSteered(t testing.TB, options Options, change ...func(*serve.Config)) *steered {
	s := &steered{TB: t, recorder: record.NewRecorder(record.Options{}), events: make(chan control.Event, 1024), proposed: make(chan struct{}, 1024)}
	t.Cleanup(func() { _ = s.recorder.Close(context.Background()) })
	var err error
	if s.observer, err = New(s.recorder, options); err != nil {
		t.Fatal(err)
	}
	s.Steering = s.observer.Steering()
	t.Cleanup(s.Watch(func(e control.Event) { s.events <- e }))
	t.Cleanup(s.observer.Close)
	cfg := servetest.Config(t)
	for _, c := range change {
		c(&cfg)
	}
	seams := s.observer.Seams()
	observed := seams.Server.Node
	seams.Server.Node = func(n raft.Node) raft.Node { return proposing{observed(n), s.proposed} }
	s.node = servetest.Start(t, cfg, seams)
	t.Cleanup(s.observer.holds.Close) // before the node is stopped
	s.kv = pb.NewKVClient(s.node.Conn)
	return s
}

// proposing tells of each proposal, when raft has taken it.
type proposing struct {
	raft.Node
	taken chan<- struct{}
}

func (p proposing) Propose(ctx context.Context, data []byte) error {
	err := p.Node.Propose(ctx, data)
	p.taken <- struct{}{}
	return err
}

func (s *steered) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// event waits for the next event of a kind.
func (s *steered) event(kind control.EventKind) control.Event {
	s.Helper()
	for {
		if e := seamtest.Await(s, string(kind), s.events); e.Kind == kind {
			return e
		}
	}
}

// put sends a put in the background.
func (s *steered) put(ctx context.Context, key string) <-chan error {
	done := make(chan error, 1)
	go func() {
		_, err := s.kv.Put(ctx, &pb.PutRequest{Key: []byte(key), Value: []byte("v")})
		done <- err
	}()
	return done
}

// timeline waits for the end of a request that was held.
func (s *steered) timeline(h *control.Hold) *trace.Timeline {
	s.Helper()
	rec, err := s.recorder.WaitFor(seamtest.Limit(s), h.TraceID)
	s.must(err)
	return rec.Timeline()
}

// pausesOf lists the holds in a timeline, as at/why/ended.
func pausesOf(t *trace.Timeline) (all []string) {
	for i := range t.Stages {
		if st := &t.Stages[i]; st.Stage == stages.Hold.String() {
			all = append(all, st.Attributes[trace.AttrAt]+" "+st.Attributes[trace.AttrWhy]+" "+st.Attributes[trace.AttrEnded])
		}
	}
	return all
}

// A read needs the raft loop's answer, and what is committed by then to be applied.
func TestReadsThatWaitBehindASharedHoldAreCounted(t *testing.T) {
	for _, stage := range []string{"wal.save", "apply.entry", "wait.trigger"} {
		t.Run(stage, func(t *testing.T) {
			s := newSteered(t, Options{})
			s.must(s.SetBreak(control.Break{Stage: stage, Once: true}))
			written := s.put(seamtest.Limit(t), "k")
			held := s.event(control.Held).Hold
			read := make(chan error, 1)
			go func() {
				_, err := s.kv.Range(seamtest.Limit(t), &pb.RangeRequest{Key: []byte("k")})
				read <- err
			}()
			for ctx := seamtest.Limit(t); s.State().Holds[0].HeldUp != 1; runtime.Gosched() {
				if ctx.Err() != nil {
					t.Fatal("the read is not counted")
				}
			}
			_, err := s.kv.Range(seamtest.Limit(t), &pb.RangeRequest{Key: []byte("k"), Serializable: true})
			s.must(err) // needs neither
			if len(read) != 0 {
				t.Error("the read did not wait")
			}
			s.must(s.Continue(held.ID))
			s.must(seamtest.Await(t, "put", written))
			s.must(seamtest.Await(t, "read", read))
		})
	}
}

func TestWhoWaitsBehindASharedHoldIsCountedAndTold(t *testing.T) {
	s := newSteered(t, Options{})
	s.must(s.SetBreak(control.Break{Stage: "wal.save", KeyPrefix: "slow", Once: true}))
	for len(s.proposed) > 0 {
		<-s.proposed // what the server proposed to itself
	}
	slow := s.put(seamtest.Limit(t), "slow")
	held := s.event(control.Held).Hold
	seamtest.Await(t, "the slow put's proposal", s.proposed)
	if held.Lane != control.LaneRaftLoop || held.With != 1 || !held.Lane.Shared() {
		t.Errorf("held: %+v", held)
	}
	behind := s.put(seamtest.Limit(t), "behind")
	seamtest.Await(t, "the other put's proposal", s.proposed)
	if n := s.State().Holds[0].HeldUp; n != 1 {
		t.Errorf("%d wait behind it, want 1", n)
	}
	report, err := s.Hold(held.ID)
	s.must(err)
	if report.Queues.Proposals != 2 {
		t.Errorf("queues: %+v", report.Queues)
	}
	finished := make(chan *record.Record, 16)
	defer s.recorder.Subscribe(func(rec *record.Record) { finished <- rec })()
	s.must(s.Continue(held.ID))
	s.must(seamtest.Await(t, "put", slow))
	s.must(seamtest.Await(t, "put", behind))
	for range 2 {
		tl := seamtest.Await(t, "record", finished).Timeline()
		want := "wal.save breakpoint continued"
		if tl.Attributes[trace.AttrKey] == "behind" {
			want = "wal.save behind a breakpoint continued"
		}
		if got := pausesOf(tl); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: holds in the timeline: %q, want %q", tl.Attributes[trace.AttrKey], got, want)
		}
	}
}
