package seam

import (
	"context"
	"errors"
	"io"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

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
