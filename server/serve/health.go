package serve

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
)

// healthServer is what the health pages ask of a member. It stands for
// etcdhttp.ServerHealth.
type healthServer interface {
	Alarms() []*pb.AlarmMember
	Leader() types.ID
	Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error)
	IsLearner() bool
	ReqTimeout() time.Duration
}

// handleHealth adds the health pages. It stands for etcdhttp.HandleHealth.
//
//	/health           one answer for load balancers: alarms, leader, a read
//	/livez, /readyz   named checks, see health_checks.go
func handleHealth(lg *zap.Logger, mux *http.ServeMux, s healthServer, counts *healthCounts) {
	mux.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
		if !allowMethod(w, r, http.MethodGet) {
			return
		}
		q := r.URL.Query()
		reason := checkHealth(r.Context(), s, setOf(q["exclude"]), q.Get("serializable") == "true")
		counts.health(reason == "")
		writeHealth(lg, w, reason)
	})
	handleChecks(lg, mux, "livez", livezChecks(s), counts)
	handleChecks(lg, mux, "readyz", readyzChecks(s), counts)
}

// Health is the answer of /health. The first field is a word and not a bool for
// the sake of old clients.
type Health struct {
	Health string `json:"health"`
	Reason string `json:"reason"`
}

func writeHealth(lg *zap.Logger, w http.ResponseWriter, reason string) {
	answer := Health{Health: strconv.FormatBool(reason == ""), Reason: reason}
	body, err := json.Marshal(answer)
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	case reason != "":
		lg.Warn("serving /health false", zap.String("reason", reason))
		http.Error(w, string(body), http.StatusServiceUnavailable)
	default:
		_, _ = w.Write(body) // fails only when the client has gone away
	}
}

// checkHealth returns why the member is not healthy, or nothing. A serializable
// check is about this member alone, whether it has a leader or not.
func checkHealth(ctx context.Context, s healthServer, excluded map[string]bool, serializable bool) string {
	for _, a := range s.Alarms() {
		if !excluded[a.Alarm.String()] {
			return alarmReason(a.Alarm)
		}
	}
	if !serializable && s.Leader() == 0 {
		return "RAFT NO LEADER"
	}
	if err := readOne(ctx, s, serializable); err != nil {
		return "RANGE ERROR:" + err.Error()
	}
	return ""
}

func alarmReason(a pb.AlarmType) string {
	switch a {
	case pb.AlarmType_NOSPACE, pb.AlarmType_CORRUPT:
		return "ALARM " + a.String()
	default:
		return "ALARM UNKNOWN"
	}
}

// readOne reads one key, whichever comes first.
func readOne(ctx context.Context, s healthServer, serializable bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.ReqTimeout())
	defer cancel()
	_, err := s.Range(ctx, &pb.RangeRequest{KeysOnly: true, Limit: 1, Serializable: serializable})
	return err
}

// setOf ignores empty names, as they stand in "?exclude=".
func setOf(names []string) map[string]bool {
	set := make(map[string]bool)
	for _, name := range names {
		if name != "" {
			set[name] = true
		}
	}
	return set
}
