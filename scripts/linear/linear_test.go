package main

import (
	"strings"
	"testing"
	"time"
)

// Clients read and write while the server is killed and stopped. The history is
// in order; and as soon as one acknowledged write is taken out of it, as a
// server would that lost it, it no longer is.
func TestOneOrderExplainsEveryReply(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // where a failed search is drawn
	var told strings.Builder
	o := options{servers: glasskv, cycles: 3, clients: 12, keys: 5, replies: 300, load: 8, seed: uint64(time.Now().UnixNano())}
	h, err := record(t.Context(), o, t.TempDir(), &told)
	if err != nil {
		t.Fatalf("%v\n%s", err, told.String())
	}
	if err := h.check(); err != nil {
		t.Fatalf("seed %d: %v\n%s", o.seed, err, told.String())
	}
	t.Logf("%s%s", told.String(), h.summary())

	at := h.aWriteThatWasRead(t)
	lost := &history{events: append(append([]event(nil), h.events[:at]...), h.events[at+1:]...)}
	if err := lost.check(); err == nil {
		t.Errorf("without %s, which was read, the history is still in order", describe(h.events[at].in, h.events[at].out))
	}
}

// aWriteThatWasRead returns the place of a put whose value some read shows.
func (h *history) aWriteThatWasRead(t *testing.T) int {
	t.Helper()
	read := make(map[string]bool)
	for _, e := range h.events {
		if !e.serializable && e.in.kind == get {
			read[e.out.value] = true
		}
	}
	for at, e := range h.events {
		if e.in.kind == putting && !e.out.unknown && read[e.in.value] {
			return at
		}
	}
	t.Fatal("no value was read")
	return 0
}

// at makes an event about the key k that lasts from one moment to another.
func at(call, answered int, in input, out output) event {
	in.key = "k"
	return event{in: in, out: out, call: time.Duration(call), answered: time.Duration(answered)}
}

// What a server may answer, and what only a broken one does.
func TestWrongHistoriesAreRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	put := func(v string) input { return input{kind: putting, value: v} }
	swap := func(from, to string) input { return input{kind: cas, expect: from, value: to} }
	read := input{kind: get}
	noReply := output{unknown: true}
	for _, c := range []struct {
		name   string
		events []event
		right  bool
	}{
		{"a read after a write", []event{
			at(1, 2, put("a"), output{revision: 2}),
			at(3, 4, read, output{value: "a", revision: 2, modified: 2}),
		}, true},
		{"an acknowledged write is lost", []event{
			at(1, 2, put("a"), output{revision: 2}),
			at(3, 4, read, output{revision: 2}),
		}, false},
		{"a value that nobody wrote", []event{
			at(1, 2, read, output{value: "ghost", revision: 2, modified: 2}),
		}, false},
		{"a write without reply had happened", []event{
			at(1, 5, put("a"), noReply),
			at(6, 7, read, output{value: "a", revision: 2, modified: 2}),
		}, true},
		{"a write without reply had not happened", []event{
			at(1, 5, put("a"), noReply),
			at(6, 7, read, output{revision: 1}),
		}, true},
		{"a write without reply happens after the last server that it could have reached is gone", []event{
			at(1, 5, put("a"), noReply),
			at(6, 7, read, output{revision: 1}),
			at(8, 9, read, output{value: "a", revision: 2, modified: 2}),
		}, false},
		{"a write is carried out twice", []event{
			at(1, 2, put("a"), output{revision: 2}),
			at(3, 4, put("b"), output{revision: 3}),
			at(5, 6, read, output{value: "a", revision: 4, modified: 4}),
		}, false},
		{"two compare-and-swaps from the same value succeed", []event{
			at(1, 2, put("a"), output{revision: 2}),
			at(3, 9, swap("a", "b"), output{done: true, revision: 3}),
			at(3, 9, swap("a", "c"), output{done: true, revision: 4}),
		}, false},
		{"of two compare-and-swaps one is told what the other wrote", []event{
			at(1, 2, put("a"), output{revision: 2}),
			at(3, 9, swap("a", "b"), output{done: true, revision: 3}),
			at(3, 9, swap("a", "c"), output{value: "b", revision: 3}),
		}, true},
		{"a write gets a revision that was seen before", []event{
			at(1, 2, put("a"), output{revision: 2}),
			at(3, 4, put("b"), output{revision: 2}),
		}, false},
		{"a serializable read is old", []event{
			at(1, 2, put("a"), output{revision: 2}),
			at(3, 4, put("b"), output{revision: 3}),
			{in: input{kind: get, key: "k"}, out: output{value: "a", revision: 2, modified: 2}, call: 5, answered: 6, serializable: true},
		}, true},
		{"a serializable read shows what never was", []event{
			at(1, 2, put("a"), output{revision: 2}),
			{in: input{kind: get, key: "k"}, out: output{value: "b", revision: 2, modified: 2}, call: 5, answered: 6, serializable: true},
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := (&history{events: c.events}).check(); (err == nil) != c.right {
				t.Errorf("%v", err)
			}
		})
	}
}
