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
	call     time.Duration // since the history began
	answered time.Duration
	// serializable reads stand apart: they may be old, so no order explains
	// them, but what they show must have been there.
	serializable bool
}

// history is what all clients did and learnt. Any number of them may add to it.
type history struct {
	begin time.Time

	mu     sync.Mutex
	events []event
}

func newHistory() *history { return &history{begin: time.Now()} }

func (h *history) now() time.Duration { return time.Since(h.begin) }

// add puts an event into the history and returns its place.
func (h *history) add(e event) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = append(h.events, e)
	return len(h.events) - 1
}

// settle says until when a request without reply can have happened: no server
// that it could have reached lives any more.
func (h *history) settle(events []int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, at := range events {
		h.events[at].answered = h.now()
	}
}

// check returns nil when one order of the requests explains every reply and no
// revision goes back. An error of the first kind names a file that shows where
// the order breaks.
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

// operations are the events that take part in the order.
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

// draw writes the failed search down as a page for a browser. It always returns
// an error: where the page is, or why there is none.
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

// summary counts what the history is made of.
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
