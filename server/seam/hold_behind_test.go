package seam

import (
	"runtime"
	"slices"
	"testing"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
	"glasskv/trace"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

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
