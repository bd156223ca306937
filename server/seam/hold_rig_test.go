package seam

import (
	"context"
	"testing"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/raft/v3"
)

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
