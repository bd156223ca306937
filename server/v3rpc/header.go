package v3rpc

import (
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// header completes the headers of replies. Who answers never changes while the
// server runs and is kept here; the term and the revision are asked for each time.
type header struct {
	clusterID uint64
	memberID  uint64
	status    RaftStatusGetter
	rev       func() int64
}

func newHeader(s Server) header {
	return header{
		clusterID: uint64(s.ClusterID()),
		memberID:  uint64(s.MemberID()),
		status:    s,
		rev:       func() int64 { return s.KV().Rev() },
	}
}

// fill writes the cluster, the member and the term into rh, which must not be
// nil. The revision is the one at which the request was applied; only a reply
// that has none gets the store's own.
func (h *header) fill(rh *pb.ResponseHeader) {
	h.fillWithoutRevision(rh)
	if rh.Revision == 0 {
		rh.Revision = h.rev()
	}
}

// fillWithoutRevision is for replies that are not about the keys.
func (h *header) fillWithoutRevision(rh *pb.ResponseHeader) {
	rh.ClusterId = h.clusterID
	rh.MemberId = h.memberID
	rh.RaftTerm = h.status.Term()
}
