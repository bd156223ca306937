package main

import (
	"fmt"
	"slices"
	"time"
)

// revisions checks what the model does not know: the store counts its changes,
// over all keys. It returns a line for each reply that contradicts another.
func (h *history) revisions() []string {
	return slices.Concat(h.revisionsGoBack(), h.revisionsAreTaken())
}

// revisionsGoBack finds requests that were sent after a reply with a revision
// and were themselves answered with an older one. A write must have a newer one.
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
	var seen int64 // by somebody before the request was sent
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

// wrote reports whether a request with a reply changed the store.
func (e event) wrote() bool { return e.in.kind == putting || e.in.kind != get && e.out.done }

// revisionsAreTaken finds two values for one key in one revision, and reads
// that show what their own revision cannot contain. Serializable reads take
// part: old as they may be, what they show was there.
func (h *history) revisionsAreTaken() []string {
	type place struct {
		key      string
		revision int64
	}
	values := make(map[place]string)
	var wrong []string
	take := func(e event, revision int64, value string) {
		at := place{e.in.key, revision}
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
