package main

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// kind is what a request asks for.
type kind string

const (
	get     kind = "get"
	putting kind = "put"
	del     kind = "delete"
	cas     kind = "cas" // a transaction: if the key has this value, give it that one
)

// input is one request about one key. An empty value means that there is no
// key, for no client ever writes one.
type input struct {
	kind   kind
	key    string
	value  string // to be written; every write has a value of its own
	expect string // of a cas: the value that the key must have
	prev   bool   // of a put: the reply tells what was there
}

// output is what the client learnt.
type output struct {
	unknown  bool   // there was no reply: it happened, or it did not and never will
	value    string // what was there
	done     bool   // a delete found something, a cas found what it expected
	revision int64  // of the store
	modified int64  // the revision in which the value that was there was written
}

// model is the store as one client at a time would see it, one key at a time.
// A history of many keys is linearizable if it is so for each of them.
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
	for _, one := range keys {
		all = append(all, one)
	}
	return all
}

// inputOf and outputOf undo what the checker's interface does to their types.
func inputOf(v any) input {
	in, _ := v.(input)
	return in
}

func outputOf(v any) output {
	out, _ := v.(output)
	return out
}

// step returns the values that the key may have after a request, and none when
// the reply cannot be explained by the value before.
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

// after is the value of the key once the request has been carried out.
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
