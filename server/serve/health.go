package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"
)

// healthServer is the raft side as the health pages see it. It is etcdhttp.ServerHealth
// upstream.
type healthServer interface {
	Alarms() []*pb.AlarmMember
	Leader() types.ID
	Range(ctx context.Context, r *pb.RangeRequest) (*pb.RangeResponse, error)
	IsLearner() bool
	ReqTimeout() time.Duration
}

// handleHealth adds the health pages to mux. It is etcdhttp.HandleHealth upstream.
//
//	/health           a single answer for load balancers: alarms, leader, a read
//	/livez, /readyz   named checks
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

// Health is the answer of /health. Its first field is a string, "true" or "false", because
// old clients expect that.
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

// checkHealth returns why the member is not healthy, or "". A serializable check does not
// ask whether there is a leader.
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

// readOne reads the first key.
func readOne(ctx context.Context, s healthServer, serializable bool) error {
	ctx, cancel := context.WithTimeout(ctx, s.ReqTimeout())
	defer cancel()
	_, err := s.Range(ctx, &pb.RangeRequest{KeysOnly: true, Limit: 1, Serializable: serializable})
	return err
}

// setOf returns the set of the names that are not empty; "?exclude=" has an empty one.
func setOf(names []string) map[string]bool {
	set := make(map[string]bool)
	for _, name := range names {
		if name != "" {
			set[name] = true
		}
	}
	return set
}

// check is a named check of /livez or /readyz.
type check struct {
	name string
	run  func(context.Context) error
}

var errLearner = errors.New("not supported for learner")

// livezChecks returns the checks of /livez: a process that cannot read from its own store
// should be restarted.
func livezChecks(s healthServer) []check {
	return []check{readCheck(s, "serializable_read", true)}
}

// readyzChecks returns the checks of /readyz: clients should not be sent to a member that
// fails them.
func readyzChecks(s healthServer) []check {
	return []check{
		{"data_corruption", func(context.Context) error {
			for _, a := range s.Alarms() {
				if a.Alarm == pb.AlarmType_CORRUPT {
					return fmt.Errorf("alarm activated: %s", a.Alarm)
				}
			}
			return nil
		}},
		readCheck(s, "linearizable_read", false),
		{"non_learner", func(context.Context) error {
			if s.IsLearner() {
				return errLearner
			}
			return nil
		}},
		readCheck(s, "serializable_read", true),
	}
}

func readCheck(s healthServer, name string, serializable bool) check {
	return check{name, func(ctx context.Context) error { return readOne(ctx, s, serializable) }}
}

// handleChecks adds the page /kind, which runs all checks except those named by ?exclude=,
// and the page /kind/name for each check. They are etcdhttp's CheckRegistry upstream.
func handleChecks(lg *zap.Logger, mux *http.ServeMux, kind string, checks []check, counts *healthCounts) {
	h := checkHandler{lg, kind, counts}
	mux.HandleFunc("/"+kind, func(w http.ResponseWriter, r *http.Request) {
		excluded := setOf(r.URL.Query()["exclude"])
		var rest []check
		for _, c := range checks {
			if !excluded[c.name] {
				rest = append(rest, c)
			}
		}
		h.serve(w, r, rest)
	})
	for _, c := range checks {
		mux.HandleFunc("/"+kind+"/"+c.name, func(w http.ResponseWriter, r *http.Request) {
			h.serve(w, r, []check{c})
		})
	}
}

// checkHandler answers with the outcome of checks.
type checkHandler struct {
	lg     *zap.Logger
	kind   string
	counts *healthCounts
}

func (h checkHandler) serve(w http.ResponseWriter, r *http.Request, checks []check) {
	if !allowMethod(w, r, http.MethodGet) {
		return
	}
	outcome, ok := h.run(r.Context(), checks)
	if !ok {
		h.lg.Warn("health check failed", zap.String("path", r.URL.Path), zap.String("outcome", outcome))
		http.Error(w, outcome, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if !r.URL.Query().Has("verbose") {
		outcome = ""
	}
	_, _ = fmt.Fprint(w, outcome, "ok\n") // fails only when the client has gone away
}

// run returns a line for each check, and whether all of them passed.
func (h checkHandler) run(ctx context.Context, checks []check) (outcome string, ok bool) {
	var lines strings.Builder
	ok = true
	for _, c := range checks {
		err := c.run(ctx)
		h.counts.check(h.kind, c.name, err == nil)
		if err != nil {
			ok = false
			fmt.Fprintf(&lines, "[-]%s failed: %v\n", c.name, err)
			continue
		}
		fmt.Fprintf(&lines, "[+]%s ok\n", c.name)
	}
	return lines.String(), ok
}
