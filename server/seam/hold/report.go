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

// goroutineID returns the number of the goroutine that calls. The runtime tells it
// in stack traces only.
func goroutineID() uint64 {
	var buf [64]byte
	head := buf[:runtime.Stack(buf[:], false)]
	rest, _ := bytes.CutPrefix(head, []byte("goroutine "))
	number, _, _ := bytes.Cut(rest, []byte(" "))
	id, _ := strconv.ParseUint(string(number), 10, 64) // zero is no goroutine's
	return id
}

const (
	maxStacks     = 16 << 20 // bytes of all goroutines' traces that are looked at
	heldFrames    = 12
	otherFrames   = 5
	perRole       = 2 // goroutines of one role that are shown
	roleOfTheHeld = "held"
)

// roles tells the goroutines on a request's way by a function that each of them is
// in for as long as it lives, in the order in which they are shown.
var roles = []struct{ role, function string }{
	{"raft loop", "etcdserver.(*raftNode).start"},
	{"raft", "go.etcd.io/raft/v3.(*node).run"},
	{"apply", "etcdserver.(*EtcdServer).applyReady"}, // only while it is at work
	{"read loop", "etcdserver.(*EtcdServer).linearizableReadLoop"},
	{"handler", "etcdserver.(*EtcdServer).processInternalRaftRequestOnce"},
	{"loopyWriter", "transport.(*loopyWriter).run"},
	{"reader", "transport.(*http2Server).HandleStreams"},
}

// stacks returns the goroutine that is held, and those that a request meets on its
// way. The world stands still while the runtime writes them down.
func stacks(held uint64) []control.Goroutine {
	var found []control.Goroutine
	seen := make(map[string]int)
	for _, trace := range strings.Split(allStacks(), "\n\n") {
		g, id := goroutineOf(trace)
		if id == held {
			g.Role = roleOfTheHeld
			g.Frames = skipOwn(g.Frames)
		}
		if g.Role == "" {
			continue
		}
		if seen[g.Role]++; seen[g.Role] <= perRole {
			g.Frames = g.Frames[:min(len(g.Frames), framesOf(g.Role))]
			found = append(found, g)
		}
	}
	slices.SortStableFunc(found, func(a, b control.Goroutine) int { return cmp.Compare(orderOf(a.Role), orderOf(b.Role)) })
	for i := range found {
		last := i+1 == len(found) || found[i+1].Role != found[i].Role
		if more := seen[found[i].Role] - perRole; last && more > 0 {
			found[i].More = more
		}
	}
	return found
}

func framesOf(role string) int {
	if role == roleOfTheHeld {
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
	return -1 // the held one
}

func allStacks() string {
	for size := 256 << 10; ; size *= 4 {
		buf := make([]byte, min(size, maxStacks))
		if n := runtime.Stack(buf, true); n < len(buf) || size >= maxStacks {
			return string(buf[:n])
		}
	}
}

// goroutineOf takes one goroutine's trace apart: a line about itself, and two
// lines for each function, the call and where it stands.
func goroutineOf(trace string) (g control.Goroutine, id uint64) {
	lines := strings.Split(strings.TrimSpace(trace), "\n")
	head := strings.TrimPrefix(lines[0], "goroutine ")
	number, state, _ := strings.Cut(head, " ")
	id, _ = strconv.ParseUint(number, 10, 64)
	state, _, _ = strings.Cut(strings.Trim(state, "[]:"), ",")
	g.State = state
	for i := 1; i+1 < len(lines); i += 2 {
		function, _ := strings.CutPrefix(lines[i], "created by ")
		if function != lines[i] {
			break // who started it is not what it does
		}
		function = withoutArguments(function)
		if g.Role == "" {
			g.Role = roleOf(function)
		}
		if shown(function) {
			g.Frames = append(g.Frames, frameOf(function, strings.TrimSpace(lines[i+1])))
		}
	}
	return g, id
}

// withoutArguments cuts off the words in which a function's arguments were.
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

// shown reports whether a function is ours or one of the path's upstream.
func shown(function string) bool {
	for _, prefix := range [...]string{"glasskv/", "google.golang.org/grpc", "go.etcd.io/"} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}

// skipOwn leaves out the functions that hold: the first one that is shown is the
// seam that asked.
func skipOwn(frames []control.Frame) []control.Frame {
	for len(frames) > 0 && strings.HasPrefix(frames[0].Symbol, "hold.(*Holds).") {
		frames = frames[1:]
	}
	return frames
}

// frameOf names a function as people do, and its file as it stands in its module,
// wherever that is on this disk.
func frameOf(function, place string) control.Frame {
	place, _, _ = strings.Cut(place, " ") // behind it stands an offset
	// The package ends at the first full stop behind the last slash, but not at
	// one of a version such as grpc.v3.
	slash := strings.LastIndexByte(function, '/') + 1
	name, _, _ := strings.Cut(function[slash:], ".")
	pkg := function[:slash] + name
	symbol := function[slash:]
	if isVersion(name) { // "raft/v3.(*node).run" is called raft's
		symbol = slashpath.Base(strings.TrimSuffix(function[:slash], "/")) + strings.TrimPrefix(symbol, name)
	}
	if _, inlined, ok := strings.Cut(symbol, "-fm."); ok { // a method that was handed over as a value, and what stood in it
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

// Hold implements control.Holder. The goroutines, raft and the queues are looked at
// now; the timeline is that of the moment at which the request was held.
func (h *Holds) Hold(id int) (*control.Report, error) {
	h.mu.Lock()
	one, err := h.find(id)
	if err != nil {
		h.mu.Unlock()
		return nil, err
	}
	report := &control.Report{Hold: h.describe(one), Timeline: one.timeline}
	h.mu.Unlock()

	report.Goroutines = stacks(one.goroutine)
	report.WAL, report.Raft = h.around.LastSaved(), h.around.Raft()
	report.Queues = h.around.Queues(report.Raft.Commit)
	stats := h.rec.Stats()
	report.Queues.Requests, report.Queues.RecordsLeft = stats.Live, stats.Finished-min(stats.Finished, stats.Seen)
	return report, nil
}
