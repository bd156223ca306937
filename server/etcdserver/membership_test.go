package etcdserver

import (
	"encoding/json"
	"slices"
	"testing"

	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/raft/v3/raftpb"
)

// changeConf has a change of the membership in the log, as etcd's may hold one, and
// returns when raft has been told that it is applied: raft drops a change that comes
// before that. Whether the change was refused is for the test to see.
func changeConf(t *testing.T, s *EtcdServer, typ raftpb.ConfChangeType, id types.ID, member any) {
	t.Helper()
	data, err := json.Marshal(member)
	if err != nil {
		t.Fatal(err)
	}
	cc := &raftpb.ConfChange{Id: new(s.reqIDGen.Next()), Type: typ.Enum(), NodeId: new(uint64(id)), Context: data}
	applied := s.w.Register(cc.GetId())
	ctx := testContext(t)
	if err := s.r.ProposeConfChange(ctx, cc); err != nil {
		t.Fatal(err)
	}
	select {
	case x := <-applied:
		_, _ = s.awaitAdvanced(x)
	case <-ctx.Done():
		t.Fatal(ctx.Err())
	}
}

// The log changes a member's URLs, adds a learner and takes it away again.
func TestLogChangesTheMembership(t *testing.T) {
	const learner = types.ID(4711)
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	urls := []string{"http://127.0.0.1:12380"}
	attr := membership.RaftAttributes{PeerURLs: urls}

	changeConf(t, s, raftpb.ConfChangeUpdateNode, s.MemberID(), membership.Member{ID: s.MemberID(), RaftAttributes: attr})
	put(t, s, "after", "v")
	if got := s.Cluster().Member(s.MemberID()).PeerURLs; !slices.Equal(got, urls) {
		t.Errorf("peer URLs are %v, want %v", got, urls)
	}

	m := membership.ConfigChangeContext{Member: membership.Member{ID: learner}}
	m.IsLearner = true
	changeConf(t, s, raftpb.ConfChangeAddLearnerNode, learner, m)
	put(t, s, "after", "v")
	if got := s.Cluster().Member(learner); got == nil || !got.IsLearner {
		t.Errorf("learner is %v", got)
	}

	changeConf(t, s, raftpb.ConfChangeRemoveNode, learner, nil)
	put(t, s, "after", "v")
	if got := s.Cluster().Member(learner); got != nil {
		t.Errorf("learner is still there: %v", got)
	}
}

// A change that contradicts the membership is passed over.
func TestInvalidChangeIsIgnored(t *testing.T) {
	s := startServer(t, testConfig(t, t.TempDir()), Seams{})
	const stranger = types.ID(4711)
	changeConf(t, s, raftpb.ConfChangeUpdateNode, stranger, membership.Member{ID: stranger})
	put(t, s, "after", "v")
	if n := len(s.Cluster().Members()); n != 1 {
		t.Errorf("%d members, want one", n)
	}
}
