package seam

import (
	"context"
	"net"
	"time"

	"glasskv/server/control"
	"glasskv/server/etcdserver"
	"glasskv/server/seam/seamtest"
	"glasskv/server/serve/servetest"
	"glasskv/trace/otlp"
	"glasskv/trace/record"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"
)

// serve starts a server with the gates of the story.
func (s *story) serve(w words) {
	options := Options{FrontOptions: FrontOptions{TraceURL: "http://glass:2381"}}
	if by, err := time.ParseDuration(w.named("shorten", "0s")); err != nil {
		w.Fatalf(w.tb, "%v", err)
	} else if by > 0 {
		options.Tap = shorten(by)
	}
	options.StreamWorkers = w.has("workers")
	exporter, err := otlp.NewExporter(&s.exported)
	if err != nil {
		s.Fatal(err)
	}
	s.recorder = record.NewRecorder(record.Options{Redact: w.has("redact"), Outlet: exporter})
	s.Cleanup(func() { _ = s.recorder.Close(context.Background()) })
	s.recorder.Subscribe(func(rec *record.Record) { s.finished <- rec })
	if s.observer, err = New(s.recorder, options); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(s.observer.Steering().Watch(func(e control.Event) { s.events <- e }))
	seams := s.observer.Seams()
	seams.Server = s.around(seams.Server)
	listener := seams.Listener
	seams.Listener = func(l net.Listener) net.Listener {
		s.door.Listener = l
		return listener(s.door)
	}
	seams.Options = append(seams.Options, grpc.StatsHandler(connEnds{&s.tally}))
	inner := seams.Interceptors.InnerStream
	seams.Interceptors.InnerStream = func(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		if hs, ok := srv.(*health.Server); ok {
			s.health <- hs
		}
		return inner(srv, ss, info, next)
	}
	seams.InProcess = s.countWatches(seams.InProcess)
	told := seams.Stopping
	seams.Stopping = func() { told(); s.tally.add("stopping", 1) }

	cfg := servetest.Config(s)
	cfg.MaxConcurrentStreams = uint32(w.namedNumber("max-streams"))
	cfg.MaxRequestBytes = uint(w.namedNumber("max-request-bytes"))
	s.configure(w, &cfg)
	s.node = servetest.Start(s, cfg, seams)
	s.Cleanup(func() { // before the node is stopped
		for _, g := range s.gates {
			g.open()
		}
		s.observer.holds.Close()
	})
	s.settle()
}

// shorten makes the server's own deadline end before that of the transport.
func shorten(to time.Duration) tap.ServerInHandle {
	return func(ctx context.Context, _ *tap.Info) (context.Context, error) {
		ctx, cancel := context.WithTimeout(ctx, to)
		context.AfterFunc(ctx, cancel)
		return ctx, nil
	}
}

// around puts the story's own wrappers around the observer's, and one inside of
// its storage: a gate closed at save is a slow disk.
func (s *story) around(in etcdserver.Seams) etcdserver.Seams {
	out, order := in, &proposals{}
	out.Storage = func(st etcdserver.Storage) etcdserver.Storage {
		return in.Storage(&gatedStorage{st, s.gates["save"]})
	}
	out.Node = func(n raft.Node) raft.Node {
		s.raft = n
		return &orderedNode{in.Node(n), order, &s.tally}
	}
	out.Ready = func(next etcdserver.ReadyFunc) etcdserver.ReadyFunc {
		next = in.Ready(next)
		return func(rd raft.Ready) error {
			order.wait(rd.Entries)
			s.tally.add("committed", len(rd.CommittedEntries))
			return next(rd)
		}
	}
	out.ApplyAll = func(next etcdserver.ApplyAllFunc) etcdserver.ApplyAllFunc {
		next = in.ApplyAll(next)
		return func(entries []*raftpb.Entry) {
			s.gates["apply"].pass()
			next(entries)
			s.tally.add("own applied", order.own(entries))
			s.tally.add("applied", len(entries))
		}
	}
	out.ReadNotify = func(next etcdserver.ReadNotifyFunc) etcdserver.ReadNotifyFunc {
		return in.ReadNotify(func(ctx context.Context, r *etcdserver.ReadRound) error {
			s.tally.add("joined", 1)
			return next(ctx, r)
		})
	}
	out.ReadIndex = func(next etcdserver.ReadIndexFunc) etcdserver.ReadIndexFunc {
		return in.ReadIndex(func(r *etcdserver.ReadRound) (uint64, error) {
			s.gates["index"].pass()
			return next(r)
		})
	}
	out.ProcessOnce = func(next etcdserver.ProcessOnceFunc) etcdserver.ProcessOnceFunc {
		next = in.ProcessOnce(next)
		return func(ctx context.Context, r *pb.InternalRaftRequest) (*etcdserver.Result, error) {
			result, err := next(ctx, r)
			s.gates["answer"].pass()
			return result, err
		}
	}
	return out
}

// settle waits until all that is committed is applied, so that the next request
// finds the server at rest.
func (s *story) settle() {
	s.tally.until(s, "applied", func(counts map[string]int) bool { return counts["applied"] == counts["committed"] })
}

// drain waits until all that clients have proposed is applied.
func (s *story) drain() {
	s.tally.until(s, "applied", func(counts map[string]int) bool { return counts["own applied"] == counts["proposed"] })
	s.settle()
}

// connEnds counts the connections that are over, after the observer has heard it.
type connEnds struct{ tally *tally }

func (connEnds) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (connEnds) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }

// HandleRPC counts the statuses that are ready to be written.
func (c connEnds) HandleRPC(_ context.Context, e stats.RPCStats) {
	if _, ready := e.(*stats.OutTrailer); ready {
		c.tally.add("statuses", 1)
	}
}

func (c connEnds) HandleConn(_ context.Context, e stats.ConnStats) {
	if _, over := e.(*stats.ConnEnd); over {
		c.tally.add("hung up", 1)
	}
}

// fill proposes n entries in one step, which is quicker than n clients.
func (s *story) fill(n int) {
	entries := make([]*raftpb.Entry, n)
	for i := range entries {
		data, err := proto.Marshal(&pb.InternalRaftRequest{
			Header: &pb.RequestHeader{ID: uint64(i + 1)}, Put: &pb.PutRequest{Key: []byte("filler")},
		})
		if err != nil {
			s.Fatal(err)
		}
		entries[i] = &raftpb.Entry{Data: data}
	}
	committed := s.tally.get("committed")
	if err := s.raft.Step(seamtest.Limit(s), &raftpb.Message{Type: raftpb.MsgProp.Enum(), Entries: entries}); err != nil {
		s.Fatal(err)
	}
	s.tally.await(s, "committed", committed+n)
}

// say changes what the health service says.
func (s *story) say(status string) {
	hs := seamtest.Await(s, "health server", s.health)
	hs.SetServingStatus("", healthpb.HealthCheckResponse_ServingStatus(healthpb.HealthCheckResponse_ServingStatus_value[status]))
	s.health <- hs
}

func (s *story) stop(hard bool) {
	ctx := seamtest.Limit(s)
	if hard {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		cancel()
	}
	go func() { s.stopped <- s.node.Stop(ctx) }()
	s.tally.await(s, "stopping", 1)
}

func (s *story) awaitStop() string {
	if err := seamtest.Await(s, "stop", s.stopped); err != nil {
		return "requests were cut off"
	}
	return "all requests finished"
}

// gatedStorage is a disk that is as slow as the story wants.
type gatedStorage struct {
	etcdserver.Storage
	gate *gate
}

func (g *gatedStorage) Save(st *raftpb.HardState, entries []*raftpb.Entry) error {
	if len(entries) > 0 {
		g.gate.pass()
	}
	return g.Storage.Save(st, entries)
}
