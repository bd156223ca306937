package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// checkTime bounds the search for an order. A history of this length takes a
// second or two.
const checkTime = 2 * time.Minute

// event is one request of one client.
type event struct {
	client   int
	in       input
	out      output
	call     time.Duration // when the request was sent, counted from the start of the history
	answered time.Duration
	// serializable marks a read that may be stale. It is not part of the order, but what
	// it returns must have been written.
	serializable bool
}

// history is what all clients did and learnt. Clients may add to it concurrently.
type history struct {
	begin time.Time

	mu     sync.Mutex
	events []event
}

func newHistory() *history { return &history{begin: time.Now()} }

func (h *history) now() time.Duration { return time.Since(h.begin) }

// add appends an event to the history and returns its index.
func (h *history) add(e event) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	return len(h.events) - 1
}

// settle notes that the requests at these indices, which have no reply, can have taken
// effect until now at the latest: no server that they could have reached still runs.
func (h *history) settle(events []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, at := range events {
		h.events[at].answered = h.now()
	}
}

// check returns an error if no order of the requests explains every reply, or if
// revisions contradict each other. In the first case the error names a file that
// shows where the order breaks.
func (h *history) check() error {
	result, info := porcupine.CheckOperationsVerbose(model(), h.operations(), checkTime)
	var broken error
	switch result {
	case porcupine.Ok:
	case porcupine.Unknown:
		broken = fmt.Errorf("no order found within %v, nor that there is none", checkTime)
	case porcupine.Illegal:
		broken = errors.Join(errors.New("not linearizable: no order of the requests explains the replies"), draw(info))
	}
	if wrong := h.revisions(); len(wrong) > 0 {
		broken = errors.Join(broken, errors.New(strings.Join(wrong[:min(len(wrong), 10)], "\n")))
	}
	return broken
}

// operations returns the events that are part of the order.
func (h *history) operations() []porcupine.Operation {
	var ops []porcupine.Operation
	for _, e := range h.events {
		learntNothing := e.out.unknown && e.in.kind == get
		if !e.serializable && !learntNothing {
			ops = append(ops, porcupine.Operation{
				ClientId: e.client, Input: e.in, Call: int64(e.call), Output: e.out, Return: int64(e.answered),
			})
		}
	}
	return ops
}

// draw draws the failed search as a web page. It always returns an error, which says
// where the page is or why it could not be written.
func draw(info porcupine.LinearizationInfo) error {
	file, err := os.CreateTemp("", "linear-*.html")
	if err != nil {
		return err
	}
	drawn := porcupine.Visualize(model(), info, file)
	if err := errors.Join(drawn, file.Close()); err != nil {
		return err
	}
	return fmt.Errorf("drawn in %s", file.Name())
}

// summary returns how many requests of each kind the history has.
func (h *history) summary() string {
	count := make(map[string]int)
	for _, e := range h.events {
		what := string(e.in.kind)
		if e.serializable {
			what = "serializable " + what
		}
		if e.out.unknown {
			what += " without reply"
		}
		count[what]++
	}
	var parts []string
	for what, n := range count {
		parts = append(parts, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(parts)
	return fmt.Sprintf("%d requests (%s)", len(h.events), strings.Join(parts, ", "))
}

// revisions checks the revisions, of which the model knows nothing: they count the
// changes of all keys. It returns a line for each reply that contradicts another.
func (h *history) revisions() []string {
	return slices.Concat(h.revisionsGoBack(), h.revisionsAreTaken())
}

// revisionsGoBack finds requests whose reply has an older revision than a reply that
// came before they were sent. For a write, an equal revision is wrong too.
func (h *history) revisionsGoBack() []string {
	var known []event
	for _, e := range h.events {
		if !e.serializable && !e.out.unknown {
			known = append(known, e)
		}
	}
	byCall := slices.Clone(known)
	slices.SortFunc(byCall, func(a, b event) int { return int(a.call - b.call) })
	byReply := known
	slices.SortFunc(byReply, func(a, b event) int { return int(a.answered - b.answered) })
	var wrong []string
	var seen int64 // the newest revision in a reply before the request was sent
	for _, e := range byCall {
		for len(byReply) > 0 && byReply[0].answered < e.call {
			seen = max(seen, byReply[0].out.revision)
			byReply = byReply[1:]
		}
		if e.out.revision < seen || e.wrote() && e.out.revision == seen {
			wrong = append(wrong, fmt.Sprintf("%s at %v: revision %d had been seen before",
				describe(e.in, e.out), e.call.Round(time.Microsecond), seen))
		}
	}
	return wrong
}

// wrote reports whether a request that has a reply changed the store.
func (e event) wrote() bool { return e.in.kind == putting || e.in.kind != get && e.out.done }

// revisionsAreTaken finds two values of one key in one revision, and reads that return
// a value newer than their own revision. It checks serializable reads too.
func (h *history) revisionsAreTaken() []string {
	type version struct {
		key      string
		revision int64
	}
	values := make(map[version]string)
	var wrong []string
	take := func(e event, revision int64, value string) {
		at := version{e.in.key, revision}
		if other, taken := values[at]; taken && other != value {
			wrong = append(wrong, fmt.Sprintf("%s: in revision %d it is %q elsewhere", describe(e.in, e.out), revision, other))
		}
		values[at] = value
	}
	for _, e := range h.events {
		switch {
		case e.out.unknown:
		case e.wrote() && e.in.kind != del:
			take(e, e.out.revision, e.in.value)
		case e.in.kind == get && e.out.value != "":
			take(e, e.out.modified, e.out.value)
			if e.out.modified > e.out.revision {
				wrong = append(wrong, fmt.Sprintf("%s: shows revision %d", describe(e.in, e.out), e.out.modified))
			}
		}
	}
	return wrong
}

// kind is what a request asks for.
type kind string

const (
	get     kind = "get"
	putting kind = "put"
	del     kind = "delete"
	cas     kind = "cas" // a transaction: if the key has this value, give it that one
)

// input is one request about one key. An empty value means that the key does not
// exist, since no client writes an empty value.
type input struct {
	kind   kind
	key    string
	value  string // the value to write; every write has a different one
	expect string // for a cas: the value that the key must have
	prev   bool   // for a put: whether the reply has the previous value
}

// output is what the client learnt.
type output struct {
	unknown  bool   // there was no reply: the request may have taken effect or not
	value    string // the value of the key before the request
	done     bool   // a delete found something, a cas found what it expected
	revision int64  // the store's revision
	modified int64  // the revision in which value was written
}

// model is a store with one key and one request at a time. A history of many keys is
// linearizable if its part about each key is.
func model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Partition:         byKey,
		Init:              func() []any { return []any{""} },
		Step:              step,
		DescribeOperation: describe,
		DescribeState:     func(state any) string { return fmt.Sprintf("%v", state) },
	}
	return m.ToModel()
}

func byKey(history []porcupine.Operation) [][]porcupine.Operation {
	keys := make(map[string][]porcupine.Operation)
	for _, op := range history {
		key := inputOf(op.Input).key
		keys[key] = append(keys[key], op)
	}
	var all [][]porcupine.Operation
	for _, operations := range keys {
		all = append(all, operations)
	}
	return all
}

// inputOf and outputOf convert the checker's values, which are of type any, to input and
// output.
func inputOf(v any) input {
	in, _ := v.(input)
	return in
}

func outputOf(v any) output {
	out, _ := v.(output)
	return out
}

// step returns the values that the key may have after a request. It returns nil if the
// value before does not explain the reply.
func step(state, asked, answered any) []any {
	before, in, out := state, inputOf(asked), outputOf(answered)
	after := in.after(before)
	if out.unknown {
		return []any{before, after}
	}
	explained := false
	switch in.kind {
	case get:
		explained = out.value == before
	case putting:
		explained = !in.prev || out.value == before
	case del:
		explained = out.done == (before != "")
	case cas:
		explained = out.done == (before == in.expect) && (out.done || out.value == before)
	}
	if !explained {
		return nil
	}
	return []any{after}
}

// after returns the value of the key once the request is applied.
func (in input) after(before any) any {
	switch {
	case in.kind == putting, in.kind == cas && before == in.expect:
		return in.value
	case in.kind == del:
		return ""
	}
	return before
}

func describe(asked, answered any) string {
	in, out := inputOf(asked), outputOf(answered)
	text := fmt.Sprintf("%s %s", in.kind, in.key)
	switch in.kind {
	case putting:
		text += " = " + in.value
	case cas:
		text += fmt.Sprintf(": %q → %s", in.expect, in.value)
	}
	if out.unknown {
		return text + " → no reply"
	}
	return fmt.Sprintf("%s → %q, done %t, revision %d", text, out.value, out.done, out.revision)
}
