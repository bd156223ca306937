package seam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"glasskv/server/v3rpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"google.golang.org/grpc"
)

// serviceAction is what clients ask of the services beside the key-value store.
func serviceAction(w words, opts ...grpc.CallOption) action {
	return func(ctx context.Context, cc *grpc.ClientConn) string {
		switch w.Cmd {
		case "lock", "unlock":
			return lockAction(ctx, w, v3lockpb.NewLockClient(cc), opts...)
		case "snapshot":
			return takeSnapshot(ctx, pb.NewMaintenanceClient(cc), opts...)
		default:
			return electionAction(ctx, w, v3electionpb.NewElectionClient(cc), opts...)
		}
	}
}

// lockAction reads: lock NAME lease=ID, unlock NAME lease=ID.
func lockAction(ctx context.Context, w words, locks v3lockpb.LockClient, opts ...grpc.CallOption) string {
	lease := int64(w.namedNumber("lease"))
	if w.Cmd == "lock" {
		_, err := locks.Lock(ctx, &v3lockpb.LockRequest{Name: []byte(w.at(0)), Lease: lease}, opts...)
		return said(err, "OK, locked")
	}
	_, err := locks.Unlock(ctx, &v3lockpb.UnlockRequest{Key: ownKey(w.at(0), lease)}, opts...)
	return said(err, "OK, unlocked")
}

// serviceKey is what the record of a request to a lock or an election has as its
// key.
func serviceKey(w words) (string, bool) {
	switch w.Cmd {
	case "unlock", "proclaim", "resign":
		return string(ownKey(w.at(0), int64(w.namedNumber("lease")))), true
	case "lock", "campaign", "leader":
		return w.at(0), true
	}
	return "", false
}

// ownKey is the key of whoever holds a lock, or leads, with a lease.
func ownKey(name string, lease int64) []byte { return fmt.Appendf(nil, "%s/%x", name, lease) }

// electionAction reads: campaign NAME VALUE lease=ID, proclaim NAME VALUE lease=ID
// rev=REV, leader NAME, resign NAME lease=ID rev=REV.
func electionAction(ctx context.Context, w words, elections v3electionpb.ElectionClient, opts ...grpc.CallOption) string {
	name, lease := []byte(w.at(0)), int64(w.namedNumber("lease"))
	leader := &v3electionpb.LeaderKey{
		Name: name, Key: ownKey(w.at(0), lease), Lease: lease, Rev: int64(w.namedNumber("rev")),
	}
	switch w.Cmd {
	case "campaign":
		r, err := elections.Campaign(ctx, &v3electionpb.CampaignRequest{Name: name, Lease: lease, Value: []byte(w.at(1))}, opts...)
		return said(err, fmt.Sprintf("OK, elected at revision %d", r.GetLeader().GetRev()))
	case "proclaim":
		_, err := elections.Proclaim(ctx, &v3electionpb.ProclaimRequest{Leader: leader, Value: []byte(w.at(1))}, opts...)
		return said(err, "OK, proclaimed")
	case "leader":
		r, err := elections.Leader(ctx, &v3electionpb.LeaderRequest{Name: name}, opts...)
		return said(err, fmt.Sprintf("OK, %s leads", r.GetKv().GetValue()))
	default:
		_, err := elections.Resign(ctx, &v3electionpb.ResignRequest{Leader: leader}, opts...)
		return said(err, "OK, resigned")
	}
}

// takeSnapshot reads a snapshot to its end.
func takeSnapshot(ctx context.Context, m pb.MaintenanceClient, opts ...grpc.CallOption) string {
	stream, err := m.Snapshot(ctx, &pb.SnapshotRequest{}, opts...)
	for size := 0; ; {
		if err != nil {
			return said(err, "")
		}
		var part *pb.SnapshotResponse
		if part, err = stream.Recv(); errors.Is(err, io.EOF) {
			return fmt.Sprintf("OK, %d KiB and a checksum", size>>10)
		}
		size += len(part.GetBlob())
	}
}

// countWatches counts the watches that locks and elections have begun to wait on.
func (s *story) countWatches(next func(v3rpc.Services) v3rpc.Services) func(v3rpc.Services) v3rpc.Services {
	return func(services v3rpc.Services) v3rpc.Services {
		services = next(services)
		services.Watch = countedWatches{services.Watch, &s.tally}
		return services
	}
}

type countedWatches struct {
	pb.WatchServer
	tally *tally
}

func (c countedWatches) Watch(ss pb.Watch_WatchServer) error {
	return c.WatchServer.Watch(countedWatch{ss, c.tally})
}

type countedWatch struct {
	pb.Watch_WatchServer
	tally *tally
}

func (c countedWatch) Send(r *pb.WatchResponse) error {
	err := c.Watch_WatchServer.Send(r)
	if r.Created {
		c.tally.add("waiting", 1)
	}
	return err
}

// parts lists what the last request's handler was made of, in order.
func (s *story) parts(w words) string {
	var b strings.Builder
	for _, st := range s.last.Timeline().Stages {
		if st.Parent == w.at(0) {
			fmt.Fprintln(&b, st.Stage)
		}
	}
	return b.String()
}
