package seam

import (
	"strings"

	"glasskv/trace"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
)

// authService is what the methods of the auth service begin with. They share one
// stage: each is a short request through raft.
const authService = "/etcdserverpb.Auth/"

// besideKV names the stages of the handlers beside the key-value store, its
// watches and its leases.
var besideKV = map[string]trace.Stage{
	v3lockpb.Lock_Lock_FullMethodName:             trace.V3Lock,
	v3lockpb.Lock_Unlock_FullMethodName:           trace.V3Unlock,
	v3electionpb.Election_Campaign_FullMethodName: trace.V3Campaign,
	v3electionpb.Election_Proclaim_FullMethodName: trace.V3Proclaim,
	v3electionpb.Election_Leader_FullMethodName:   trace.V3Leader,
	v3electionpb.Election_Observe_FullMethodName:  trace.V3Observe,
	v3electionpb.Election_Resign_FullMethodName:   trace.V3Resign,
	pb.Cluster_MemberList_FullMethodName:          trace.V3MemberList,
	pb.Maintenance_Status_FullMethodName:          trace.V3Status,
	pb.Maintenance_Alarm_FullMethodName:           trace.V3Alarm,
	pb.Maintenance_Hash_FullMethodName:            trace.V3Hash,
	pb.Maintenance_HashKV_FullMethodName:          trace.V3HashKV,
	pb.Maintenance_Defragment_FullMethodName:      trace.V3Defragment,
	pb.Maintenance_Snapshot_FullMethodName:        trace.V3Snapshot,
}

// handlerBeside names the stage of a handler that is none of the key-value
// store's. A method that has no stage of its own is shown as a handler.
func handlerBeside(method string) trace.Stage {
	if stage, ok := besideKV[method]; ok {
		return stage
	}
	if strings.HasPrefix(method, authService) {
		return trace.V3Auth
	}
	return trace.GRPCHandler
}
