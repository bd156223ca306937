package timeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

// A file may say anything of parts: in one another, in circles, in none that is
// there. Every stage is drawn once all the same.
func TestPartsThatMakeNoSenseAreDrawn(t *testing.T) {
	names := []string{"", "a", "http.handler", "gateway.call", "v3lock.Lock", "v3rpc.Txn", "wal.sync", "grpc.recvMsg"}
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		tl := &trace.Timeline{Method: "m", DurationNS: 1000}
		for range rng.IntN(4) {
			tl.Parts = append(tl.Parts, trace.Part{
				Method: "/a.b/\x1b[2J", Under: names[rng.IntN(len(names))], In: rng.IntN(6) - 1, BeginNS: rng.Int64N(900), EndNS: rng.Int64N(900),
			})
		}
		for range rng.IntN(20) {
			begin := rng.Int64N(900)
			tl.Stages = append(tl.Stages, trace.StageTime{
				Stage: names[1+rng.IntN(len(names)-1)], Parent: names[rng.IntN(len(names))], Part: rng.IntN(6) - 1,
				BeginNS: begin, EndNS: begin + rng.Int64N(100), Count: rng.IntN(3),
				Attributes: map[string]string{trace.AttrTook: fmt.Sprint(rng.IntN(200) - 50)},
			})
		}
		trace.FillLedger(tl)
		draw(t, tl, Options{Options: screen.Options{Width: 100}})
		drawn := 0
		var count func(nodes []*node)
		count = func(nodes []*node) {
			for _, n := range nodes {
				drawn += len(n.times)
				count(n.children)
			}
		}
		count(forest(tl, all(tl)))
		if drawn != len(tl.Stages) {
			t.Errorf("seed %d: %d of %d stages are drawn", seed, drawn, len(tl.Stages))
		}
	}
}

// Two parts of a lock have stages of the same names: each is drawn in its own.
func TestEachPartIsASectionOfItsOwn(t *testing.T) {
	tl := &trace.Timeline{Method: "/v3lockpb.Lock/Lock", DurationNS: 300}
	tl.Stages = append(tl.Stages, trace.StageTime{Stage: "v3lock.Lock", EndNS: 300})
	for i, method := range []string{"/etcdserverpb.Lease/LeaseGrant", "/etcdserverpb.KV/Txn"} {
		at := int64(100 * i)
		tl.Parts = append(tl.Parts, trace.Part{Method: method, Under: "v3lock.Lock", BeginNS: at, EndNS: at + 100})
		for _, st := range []trace.StageTime{
			{Stage: "etcdserver.raftRequest", Parent: "v3lock.Lock", BeginNS: at, EndNS: at + 90},
			{Stage: "wal.save", Parent: "etcdserver.raftRequest", BeginNS: at + 10, EndNS: at + 80},
			{Stage: "wal.sync", Parent: "wal.save", BeginNS: at + 20, EndNS: at + 70},
		} {
			st.Part = i + 1
			tl.Stages = append(tl.Stages, st)
		}
	}
	slices.Reverse(tl.Stages) // the order in a file is nobody's promise
	var lines []string
	var write func(nodes []*node, depth int)
	write = func(nodes []*node, depth int) {
		for _, n := range nodes {
			name := n.name()
			if n.part != nil {
				name = n.part.Method
			}
			lines = append(lines, strings.Repeat(" ", depth)+name)
			write(n.children, depth+1)
		}
	}
	write(forest(tl, all(tl)), 0)
	want := []string{
		"v3lock.Lock",
		" /etcdserverpb.Lease/LeaseGrant", "  etcdserver.raftRequest", "   wal.save", "    wal.sync",
		" /etcdserverpb.KV/Txn", "  etcdserver.raftRequest", "   wal.save", "    wal.sync",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
