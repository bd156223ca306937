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

// check is one of the questions behind /livez or /readyz.
type check struct {
	name string
	run  func(context.Context) error
}

var errLearner = errors.New("not supported for learner")

// livezChecks tell whether the process should be restarted: it is alive when it
// can read from its own store.
func livezChecks(s healthServer) []check {
	return []check{readCheck(s, "serializable_read", true)}
}

// readyzChecks tell whether clients should be sent here.
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

// handleChecks adds a page that runs all checks but those that ?exclude= names,
// and one for each check. They stand for etcdhttp's CheckRegistry.
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

// checkHandler answers with the outcome of some checks.
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

// run returns one line for each check, and whether all of them passed.
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
