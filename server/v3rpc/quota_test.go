package v3rpc

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
)

// full is a quota that nothing fits into any more.
type full struct{}

func (full) Available(any) bool { return false }
func (full) Cost(any) int       { return 1 }
func (full) Remaining() int64   { return 0 }

// bell keeps the alarms it was asked to raise.
type bell struct{ raised []*pb.AlarmRequest }

func (b *bell) Alarms() []*pb.AlarmMember { return nil }

func (b *bell) Alarm(_ context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	b.raised = append(b.raised, r)
	return &pb.AlarmResponse{}, nil
}

// When the backend is full, what adds data is refused before it is proposed
// and the cluster is told; what reads or removes goes on.
func TestFullBackendRefusesWritesAndRaisesTheAlarm(t *testing.T) {
	alarms := &bell{}
	qa := quotaAlarmer{q: full{}, a: alarms, id: 7, lg: zap.NewNop()}
	kv := &quotaKVServer{KVServer: &kvServer{kv: closedKV{t: t}}, qa: qa}
	le := &quotaLeaseServer{qa: qa}

	_, putErr := kv.Put(t.Context(), &pb.PutRequest{Key: []byte("k")})
	_, txnErr := kv.Txn(t.Context(), &pb.TxnRequest{Success: puts(1)})
	_, leaseErr := le.LeaseGrant(t.Context(), &pb.LeaseGrantRequest{TTL: 1})
	for what, err := range map[string]error{"put": putErr, "txn": txnErr, "lease": leaseErr} {
		if !errors.Is(err, rpctypes.ErrGRPCNoSpace) {
			t.Errorf("%s: got %v, want %v", what, err, rpctypes.ErrGRPCNoSpace)
		}
	}
	if len(alarms.raised) != 3 {
		t.Fatalf("%d alarms raised, want 3", len(alarms.raised))
	}
	for _, r := range alarms.raised {
		if r.Alarm != pb.AlarmType_NOSPACE || r.Action != pb.AlarmRequest_ACTIVATE || r.MemberID != 7 {
			t.Errorf("raised %v", r)
		}
	}
	if _, err := kv.DeleteRange(t.Context(), &pb.DeleteRangeRequest{}); !errors.Is(err, rpctypes.ErrGRPCEmptyKey) {
		t.Errorf("a delete met %v before its own check", err)
	}
}
