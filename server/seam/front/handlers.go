package front

import (
	"strings"

	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
)

// authService is what the methods of the auth service begin with. They share one
// stage: each is a short request through raft.
const authService = "/etcdserverpb.Auth/"

// besideKV names the stages of the handlers beside the key-value store, its
// watches and its leases.
var besideKV = map[string]stages.Stage{
	v3lockpb.Lock_Lock_FullMethodName:             stages.V3Lock,
	v3lockpb.Lock_Unlock_FullMethodName:           stages.V3Unlock,
	v3electionpb.Election_Campaign_FullMethodName: stages.V3Campaign,
	v3electionpb.Election_Proclaim_FullMethodName: stages.V3Proclaim,
	v3electionpb.Election_Leader_FullMethodName:   stages.V3Leader,
	v3electionpb.Election_Observe_FullMethodName:  stages.V3Observe,
	v3electionpb.Election_Resign_FullMethodName:   stages.V3Resign,
	pb.Cluster_MemberList_FullMethodName:          stages.V3MemberList,
	pb.Maintenance_Status_FullMethodName:          stages.V3Status,
	pb.Maintenance_Alarm_FullMethodName:           stages.V3Alarm,
	pb.Maintenance_Hash_FullMethodName:            stages.V3Hash,
	pb.Maintenance_HashKV_FullMethodName:          stages.V3HashKV,
	pb.Maintenance_Defragment_FullMethodName:      stages.V3Defragment,
	pb.Maintenance_Snapshot_FullMethodName:        stages.V3Snapshot,
}

// handlerBeside names the stage of a handler that is none of the key-value
// store's. A method that has no stage of its own is shown as a handler.
func handlerBeside(method string) stages.Stage {
	if stage, ok := besideKV[method]; ok {
		return stage
	}
	if strings.HasPrefix(method, authService) {
		return stages.V3Auth
	}
	return stages.GRPCHandler
}
