package seam

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"glasskv/server/control"
	"glasskv/server/seam/seamtest"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// passing lists, in an order in which they work, requests that pass each stage
// that can be held. Those without a stage prepare the next.
var passing = []struct {
	stages string
	do     request
}{
	{"grpc.processRPC grpc.recvMsg grpc.interceptors v3rpc.Put etcdserver.raftRequest etcdserver.processInternalRaftRequestOnce " +
		"raft.propose raft.handleReady wal.save apply.entry txn.put mvcc.begin mvcc.put mvcc.end wait.trigger grpc.sendMsg", put},
	{"v3rpc.Range read.wait read.index txn.range", get},
	{"read.waitApplied", get},
	{"v3rpc.RangeStream", chunks},
	{"v3rpc.DeleteRange txn.deleteRange", del},
	{"", put}, {"mvcc.deleteRange", del},
	{"v3rpc.Txn txn.txn", write},
	{"v3rpc.Compact txn.compact", compact},
	{"v3rpc.LeaseGrant", grant}, {"", revoke}, {"apply.lease", grant},
	{"v3rpc.LeaseKeepAlive lease.renew", renew},
	{"v3rpc.LeaseTimeToLive lease.lookup lease.waitApplied", func(ctx context.Context, c *clients) error {
		_, err := c.lease.LeaseTimeToLive(ctx, &pb.LeaseTimeToLiveRequest{ID: leaseID})
		return err
	}},
	{"v3rpc.LeaseLeases", func(ctx context.Context, c *clients) error {
		_, err := c.lease.LeaseLeases(ctx, &pb.LeaseLeasesRequest{})
		return err
	}},
	{"v3rpc.Watch watch.create watch.send", watch},
	{"v3lock.Lock", lock},
	{"v3lock.Unlock", func(ctx context.Context, c *clients) error {
		_, err := c.lock.Unlock(ctx, &v3lockpb.UnlockRequest{Key: []byte("door/7")})
		return err
	}},
	{"v3election.Campaign", campaign},
	{"v3election.Leader", func(ctx context.Context, c *clients) error {
		_, err := c.election.Leader(ctx, &v3electionpb.LeaderRequest{Name: []byte("chair")})
		return err
	}},
	{"v3election.Observe", func(ctx context.Context, c *clients) error {
		return answered(c.election.Observe(ctx, &v3electionpb.LeaderRequest{Name: []byte("chair")}))
	}},
	{"v3election.Proclaim", inOffice(func(ctx context.Context, c *clients, key *v3electionpb.LeaderKey) error {
		_, err := c.election.Proclaim(ctx, &v3electionpb.ProclaimRequest{Leader: key, Value: []byte("me")})
		return err
	})},
	{"v3election.Resign", inOffice(func(ctx context.Context, c *clients, key *v3electionpb.LeaderKey) error {
		_, err := c.election.Resign(ctx, &v3electionpb.ResignRequest{Leader: key})
		return err
	})},
	{"v3rpc.LeaseRevoke", revoke},
	{"v3rpc.MemberList", func(ctx context.Context, c *clients) error {
		_, err := c.cluster.MemberList(ctx, &pb.MemberListRequest{})
		return err
	}},
	{"v3rpc.Status", func(ctx context.Context, c *clients) error {
		_, err := c.maintenance.Status(ctx, &pb.StatusRequest{})
		return err
	}},
	{"v3rpc.Alarm", func(ctx context.Context, c *clients) error {
		_, err := c.maintenance.Alarm(ctx, &pb.AlarmRequest{})
		return err
	}},
	{"v3rpc.Hash backend.hash", func(ctx context.Context, c *clients) error {
		_, err := c.maintenance.Hash(ctx, &pb.HashRequest{})
		return err
	}},
	{"v3rpc.HashKV mvcc.hashKV", func(ctx context.Context, c *clients) error {
		_, err := c.maintenance.HashKV(ctx, &pb.HashKVRequest{})
		return err
	}},
	{"v3rpc.Defragment backend.defrag", func(ctx context.Context, c *clients) error {
		_, err := c.maintenance.Defragment(ctx, &pb.DefragmentRequest{})
		return err
	}},
	{"v3rpc.Snapshot backend.snapshot", func(ctx context.Context, c *clients) error {
		return answered(c.maintenance.Snapshot(ctx, &pb.SnapshotRequest{}))
	}},
	{"v3rpc.Auth", func(ctx context.Context, c *clients) error {
		_, err := c.auth.AuthStatus(ctx, &pb.AuthStatusRequest{})
		return err
	}},
	{"grpc.handler", func(ctx context.Context, c *clients) error {
		_, err := c.health.Check(ctx, &healthpb.HealthCheckRequest{})
		return err
	}},
}

// Each stage that the catalogue calls holdable is one at which a real request can
// be held, seen, and let go; and its timeline says so.
func TestEveryStageThatCanBeHeldIsHeld(t *testing.T) {
	s := newSteered(t, Options{})
	c := clientsOf(s.node.Conn)
	var held []string
	for _, p := range passing {
		if p.stages == "" {
			s.must(p.do(seamtest.Limit(t), c))
		}
		for stage := range strings.FieldsSeq(p.stages) {
			held = append(held, stage)
			s.holdOnce(c, stage, p.do)
		}
	}
	for _, spec := range stages.Specs() {
		if (spec.Hold != "") != slices.Contains(held, spec.Name) {
			t.Errorf("%s: the catalogue says %q, the test held it: %t", spec.Name, spec.Hold, spec.Hold == "")
		}
	}
}

// holdOnce holds one request at a stage, looks, and lets it go.
func (s *steered) holdOnce(c *clients, stage string, do request) {
	s.Helper()
	lags := strings.HasSuffix(stage, ".waitApplied")
	if lags {
		defer s.behindApply(c)()
	}
	s.must(s.SetBreak(control.Break{Stage: stage, Once: true}))
	ctx, cancel := context.WithCancel(seamtest.Limit(s))
	done := make(chan error, 1)
	go func() { done <- do(ctx, c) }()
	held := s.event(control.Held).Hold
	report, err := s.Hold(held.ID)
	s.must(err)
	spec := stages.SpecOf(stageNamed(s, stage))
	if held.Stage != stage || held.Lane.Shared() != (spec.Hold == stages.HoldShared) {
		s.Errorf("%s: held %+v", stage, held)
	}
	if len(report.Goroutines) == 0 || report.Goroutines[0].Role != "held" {
		s.Errorf("%s: the goroutine that is held is not among %+v", stage, report.Goroutines)
	}
	s.must(s.Continue(held.ID))
	if lags {
		s.must(s.Continue(0)) // apply as well
	}
	if err := seamtest.Await(s, stage, done); err != nil {
		s.Errorf("%s: the request ended with %v", stage, err)
	}
	cancel() // ends a stream
	tl := s.timeline(held)
	if got := pausesOf(tl); len(got) != 1 || got[0] != stage+" breakpoint continued" {
		s.Errorf("%s: holds in the timeline: %q", stage, got)
	}
}

func stageNamed(t testing.TB, name string) stages.Stage {
	s, ok := stages.ByName(name)
	if !ok {
		t.Fatalf("no stage is called %q", name)
	}
	return s
}

// behindApply holds apply, so that a read finds less applied than committed. It
// returns what waits for the write behind it.
func (s *steered) behindApply(c *clients) (wait func()) {
	s.must(s.SetBreak(control.Break{Stage: "apply.entry", Once: true}))
	done := make(chan error, 1)
	go func() { done <- put(seamtest.Limit(s), c) }()
	s.event(control.Held)
	return func() { s.must(seamtest.Await(s, "put", done)) }
}

// clients are the services of a server under test.
type clients struct {
	kv          pb.KVClient
	watch       pb.WatchClient
	lease       pb.LeaseClient
	maintenance pb.MaintenanceClient
	cluster     pb.ClusterClient
	auth        pb.AuthClient
	lock        v3lockpb.LockClient
	election    v3electionpb.ElectionClient
	health      healthpb.HealthClient
}

func clientsOf(cc *grpc.ClientConn) *clients {
	return &clients{
		kv: pb.NewKVClient(cc), watch: pb.NewWatchClient(cc), lease: pb.NewLeaseClient(cc),
		maintenance: pb.NewMaintenanceClient(cc), cluster: pb.NewClusterClient(cc), auth: pb.NewAuthClient(cc),
		lock: v3lockpb.NewLockClient(cc), election: v3electionpb.NewElectionClient(cc), health: healthpb.NewHealthClient(cc),
	}
}

// a request returns when it is over. Streams end when they have their first answer.
type request func(ctx context.Context, c *clients) error

func put(ctx context.Context, c *clients) error {
	_, err := c.kv.Put(ctx, &pb.PutRequest{Key: []byte("k"), Value: []byte("v")})
	return err
}

func get(ctx context.Context, c *clients) error {
	_, err := c.kv.Range(ctx, &pb.RangeRequest{Key: []byte("k")})
	return err
}

func del(ctx context.Context, c *clients) error {
	_, err := c.kv.DeleteRange(ctx, &pb.DeleteRangeRequest{Key: []byte("k")})
	return err
}

func write(ctx context.Context, c *clients) error {
	op := &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte("k")}}}
	_, err := c.kv.Txn(ctx, &pb.TxnRequest{Success: []*pb.RequestOp{op}})
	return err
}

func compact(ctx context.Context, c *clients) error {
	reply, err := c.kv.Put(ctx, &pb.PutRequest{Key: []byte("k")})
	if err != nil {
		return err
	}
	_, err = c.kv.Compact(ctx, &pb.CompactionRequest{Revision: reply.GetHeader().GetRevision()})
	return err
}

func chunks(ctx context.Context, c *clients) error {
	return answered(c.kv.RangeStream(ctx, &pb.RangeRequest{Key: []byte("k")}))
}

// answered receives the first message of a stream, if it has one.
func answered[T any](s interface{ Recv() (T, error) }, err error) error {
	if err != nil {
		return err
	}
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

const leaseID = 7

func grant(ctx context.Context, c *clients) error {
	_, err := c.lease.LeaseGrant(ctx, &pb.LeaseGrantRequest{ID: leaseID, TTL: 600})
	return err
}

func revoke(ctx context.Context, c *clients) error {
	_, err := c.lease.LeaseRevoke(ctx, &pb.LeaseRevokeRequest{ID: leaseID})
	return err
}

func renew(ctx context.Context, c *clients) error {
	s, err := c.lease.LeaseKeepAlive(ctx)
	if err != nil {
		return err
	}
	if err := s.Send(&pb.LeaseKeepAliveRequest{ID: leaseID}); err != nil {
		return err
	}
	return answered(s, nil)
}

func watch(ctx context.Context, c *clients) error {
	s, err := c.watch.Watch(ctx)
	if err != nil {
		return err
	}
	create := &pb.WatchRequest_CreateRequest{CreateRequest: &pb.WatchCreateRequest{Key: []byte("k")}}
	if err := s.Send(&pb.WatchRequest{RequestUnion: create}); err != nil {
		return err
	}
	return answered(s, nil)
}

func lock(ctx context.Context, c *clients) error {
	_, err := c.lock.Lock(ctx, &v3lockpb.LockRequest{Name: []byte("door"), Lease: leaseID})
	return err
}

func campaign(ctx context.Context, c *clients) error {
	_, err := c.election.Campaign(ctx, &v3electionpb.CampaignRequest{Name: []byte("chair"), Lease: leaseID})
	return err
}

// inOffice makes a request of the leader's key.
func inOffice(do func(ctx context.Context, c *clients, key *v3electionpb.LeaderKey) error) request {
	return func(ctx context.Context, c *clients) error {
		reply, err := c.election.Leader(ctx, &v3electionpb.LeaderRequest{Name: []byte("chair")})
		if err != nil {
			return err
		}
		kv := reply.GetKv()
		return do(ctx, c, &v3electionpb.LeaderKey{Name: []byte("chair"), Key: kv.GetKey(), Rev: kv.GetCreateRevision(), Lease: leaseID})
	}
}
