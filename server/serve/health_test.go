package serve

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
)

// ailing is a member with whatever is wrong.
type ailing struct {
	leader  types.ID
	learner bool
	read    error // of linearizable reads
}

func (a ailing) Alarms() []*pb.AlarmMember { return nil }
func (a ailing) Leader() types.ID          { return a.leader }
func (a ailing) IsLearner() bool           { return a.learner }
func (a ailing) ReqTimeout() time.Duration { return time.Second }
func (a ailing) Range(_ context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error) {
	if a.read != nil && !r.Serializable {
		return nil, a.read
	}
	return &pb.RangeResponse{}, nil
}

// What is wrong is told by the page that asks about it, and by no other: a member
// without a leader is alive, but not ready.
func TestHealthOfAnAilingMember(t *testing.T) {
	lost := errors.New("no consensus")
	for _, c := range []struct {
		path   string
		member ailing
		status int
		text   string
	}{
		{"/health", ailing{}, http.StatusServiceUnavailable, `{"health":"false","reason":"RAFT NO LEADER"}`},
		{"/health?serializable=true", ailing{}, http.StatusOK, `{"health":"true","reason":""}`},
		{"/health", ailing{leader: 1, read: lost}, http.StatusServiceUnavailable, "RANGE ERROR:no consensus"},
		{"/livez", ailing{read: lost}, http.StatusOK, "ok\n"},
		{"/readyz", ailing{leader: 1, read: lost}, http.StatusServiceUnavailable, "[-]linearizable_read failed: no consensus\n"},
		{"/readyz?exclude=linearizable_read", ailing{leader: 1, read: lost}, http.StatusOK, "ok\n"},
		{"/readyz", ailing{leader: 1, learner: true}, http.StatusServiceUnavailable, "[-]non_learner failed: not supported for learner\n"},
	} {
		mux, counts := http.NewServeMux(), new(healthCounts)
		counts.init()
		handleHealth(zap.NewNop(), mux, c.member, counts)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
			t.Errorf("%s of %+v: %d %q, want %d %q", c.path, c.member, w.Code, w.Body, c.status, c.text)
		}
	}
}
