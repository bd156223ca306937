package hold

import (
	"bytes"
	"cmp"
	slashpath "path"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"glasskv/server/control"
)

// Hold implements control.Holder. The goroutines, raft, the log and the queues are those
// of now; the timeline is that of the moment at which the request was held.
func (h *Holds) Hold(id int) (*control.Report, error) {
	h.mu.Lock()
	req, err := h.find(id)
	if err != nil {
		h.mu.Unlock()
		return nil, err
	}
	report := &control.Report{Hold: h.current(req), Timeline: req.timeline}
	h.mu.Unlock()

	report.Goroutines = stacks(req.goroutine)
	report.WAL, report.Raft = h.surroundings.LastSaved(), h.surroundings.Raft()
	report.Queues = h.surroundings.Queues(report.Raft.Commit)
	stats := h.rec.Stats()
	report.Queues.Requests, report.Queues.RecordsLeft = stats.Live, stats.Finished-min(stats.Finished, stats.Seen)
	return report, nil
}

// goroutineID returns the number of the calling goroutine. The runtime shows it in stack
// traces only.
func goroutineID() uint64 {
	var buf [64]byte
	head := buf[:runtime.Stack(buf[:], false)]
	rest, _ := bytes.CutPrefix(head, []byte("goroutine "))
	number, _, _ := bytes.Cut(rest, []byte(" "))
	id, _ := strconv.ParseUint(string(number), 10, 64) // no goroutine has number zero
	return id
}

const (
	maxStacks   = 16 << 20 // the most bytes of stack traces that are read
	heldFrames  = 12       // frames of the held goroutine that are shown
	otherFrames = 5        // frames of each other goroutine
	perRole     = 2        // goroutines of one role that are shown
	roleHeld    = "held"
)

// roles finds the goroutines on a request's path. Each is known by a function that is on
// its stack for as long as it lives. They are shown in this order.
var roles = []struct{ role, function string }{
	{"raft loop", "etcdserver.(*raftNode).start"},
	{"raft", "go.etcd.io/raft/v3.(*node).run"},
	{"apply", "etcdserver.(*EtcdServer).applyReady"}, // only while it applies entries
	{"read loop", "etcdserver.(*EtcdServer).linearizableReadLoop"},
	{"handler", "etcdserver.(*EtcdServer).processInternalRaftRequestOnce"},
	{"loopyWriter", "transport.(*loopyWriter).run"},
	{"reader", "transport.(*http2Server).HandleStreams"},
}

// stacks returns the goroutine that is held, and then those that have a role on a
// request's path. While the runtime writes the traces down, no goroutine runs.
func stacks(held uint64) []control.Goroutine {
	var found []control.Goroutine
	count := make(map[string]int) // by role
	for _, trace := range strings.Split(allStacks(), "\n\n") {
		g, id := parseGoroutine(trace)
		if id == held {
			g.Role = roleHeld
			g.Frames = skipHolds(g.Frames)
		}
		if g.Role == "" {
			continue
		}
		if count[g.Role]++; count[g.Role] <= perRole {
			g.Frames = g.Frames[:min(len(g.Frames), framesOf(g.Role))]
			found = append(found, g)
		}
	}
	slices.SortStableFunc(found, func(a, b control.Goroutine) int { return cmp.Compare(orderOf(a.Role), orderOf(b.Role)) })
	for i := range found {
		last := i+1 == len(found) || found[i+1].Role != found[i].Role
		if more := count[found[i].Role] - perRole; last && more > 0 {
			found[i].More = more
		}
	}
	return found
}

func framesOf(role string) int {
	if role == roleHeld {
		return heldFrames
	}
	return otherFrames
}

func orderOf(role string) int {
	for i, r := range roles {
		if r.role == role {
			return i
		}
	}
	return -1 // roleHeld comes first
}

func allStacks() string {
	for size := 256 << 10; ; size *= 4 {
		buf := make([]byte, min(size, maxStacks))
		if n := runtime.Stack(buf, true); n < len(buf) || size >= maxStacks {
			return string(buf[:n])
		}
	}
}

// parseGoroutine parses one goroutine's stack trace. It consists of a line about the
// goroutine, and two lines for each function: the call, and its place in the source. For
// a goroutine without a role, Role is empty.
func parseGoroutine(trace string) (g control.Goroutine, id uint64) {
	lines := strings.Split(strings.TrimSpace(trace), "\n")
	head := strings.TrimPrefix(lines[0], "goroutine ")
	number, state, _ := strings.Cut(head, " ")
	id, _ = strconv.ParseUint(number, 10, 64)
	state, _, _ = strings.Cut(strings.Trim(state, "[]:"), ",")
	g.State = state
	for i := 1; i+1 < len(lines); i += 2 {
		if strings.HasPrefix(lines[i], "created by ") {
			break
		}
		function := withoutArguments(lines[i])
		if g.Role == "" {
			g.Role = roleOf(function)
		}
		if isShown(function) {
			g.Frames = append(g.Frames, frameOf(function, strings.TrimSpace(lines[i+1])))
		}
	}
	return g, id
}

// withoutArguments cuts the argument words off a call.
func withoutArguments(call string) string {
	if at := strings.LastIndexByte(call, '('); at > 0 {
		return call[:at]
	}
	return call
}

func roleOf(function string) string {
	for _, r := range roles {
		if strings.HasSuffix(function, r.function) {
			return r.role
		}
	}
	return ""
}

// isShown reports whether a function is GlassKV's, grpc-go's or etcd's.
func isShown(function string) bool {
	for _, prefix := range [...]string{"glasskv/", "google.golang.org/grpc", "go.etcd.io/"} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

// skipHolds removes this package's own frames from the top: the first frame that is shown
// is the seam that called Reach.
func skipHolds(frames []control.Frame) []control.Frame {
	for len(frames) > 0 && strings.HasPrefix(frames[0].Symbol, "hold.(*Holds).") {
		frames = frames[1:]
	}
	return frames
}

// frameOf returns a frame with the function's short name, such as "raft.(*node).run", and
// its place, such as "go.etcd.io/raft/v3@v3.6.0/node.go:344". The place of a function of
// GlassKV is relative to this module.
func frameOf(function, place string) control.Frame {
	place, _, _ = strings.Cut(place, " ") // cuts off " +0x2a", the offset in the function
	// The package's path ends at the first full stop after the last slash.
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	pkg := function[:slash] + name
	symbol := function[slash:]
	if isVersion(name) { // "go.etcd.io/raft/v3.(*node).run" becomes "raft.(*node).run"
		symbol = slashpath.Base(strings.TrimSuffix(function[:slash], "/")) + strings.TrimPrefix(symbol, name)
	}
	if _, inlined, ok := strings.Cut(symbol, "-fm."); ok { // a method value, with the inlined function's name behind
		symbol, _, _ = strings.Cut(symbol, ".")
		symbol += "." + inlined
	}
	root, _, _ := strings.Cut(pkg, "/")
	if at := strings.LastIndex(place, root+"/"); at >= 0 && strings.Contains(root, ".") {
		place = place[at:]
	} else if own, ours := strings.CutPrefix(pkg, "glasskv/"); ours {
		place = own + "/" + slashpath.Base(place)
	}
	return control.Frame{Symbol: symbol, Place: place}
}

func isVersion(name string) bool {
	digits, ok := strings.CutPrefix(name, "v")
	return ok && digits != "" && strings.Trim(digits, "0123456789") == ""
}
