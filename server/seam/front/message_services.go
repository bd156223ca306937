package front

import (
	"glasskv/trace/record"

	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
)

// noteServiceRequest notes what a request to a lock or an election is about: its
// name, or the key of who holds it.
func noteServiceRequest(rec *record.Record, msg any) {
	switch r := msg.(type) {
	case *v3lockpb.LockRequest:
		rec.SetKey(r.GetName())
	case *v3lockpb.UnlockRequest:
		rec.SetKey(r.GetKey())
	case *v3electionpb.CampaignRequest:
		rec.SetKey(r.GetName())
		rec.Facts().ValueSize = len(r.GetValue())
	case *v3electionpb.ProclaimRequest:
		rec.SetKey(r.GetLeader().GetKey())
		rec.Facts().ValueSize = len(r.GetValue())
	case *v3electionpb.LeaderRequest:
		rec.SetKey(r.GetName())
	case *v3electionpb.ResignRequest:
		rec.SetKey(r.GetLeader().GetKey())
	}
}
