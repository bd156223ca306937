package timeline

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

// shape writes a forest as text: "a(b c(d))".
func shape(nodes []*node) string {
	var parts []string
	for _, n := range nodes {
		text := n.name()
		if len(n.children) > 0 {
			text += "(" + shape(n.children) + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func all(t *trace.Timeline) (stages []*trace.StageTime) {
	for i := range t.Stages {
		stages = append(stages, &t.Stages[i])
	}
	return stages
}

func TestStagesHangOnTheNearestParentThatIsThere(t *testing.T) {
	for _, c := range []struct{ stages, want string }{
		{"a b/a c/a d/c", "a(b c(d))"},
		{"b/a", "b"}, // a is not there
		{"grpc.handleStream grpc.writeStatus/grpc.processRPC", "grpc.handleStream(grpc.writeStatus)"}, // the catalogue knows what that sits in
		{"a/b b/a c/b", "a b(c)"}, // a circle ends where it began; what hangs on it stays
		{"a/a", "a"},              // the smallest circle
		{"a/b b/c c/a d/a e/d", "a(d(e)) b c"},
		{"x a b/a b/a b/x", "x(b) a(b)"}, // repeats become one, by parent
	} {
		tl := new(trace.Timeline)
		for i, f := range strings.Fields(c.stages) {
			name, parent, _ := strings.Cut(f, "/")
			tl.Stages = append(tl.Stages, trace.StageTime{Stage: name, Parent: parent, BeginNS: int64(i), EndNS: int64(i) + 1})
		}
		if got := shape(forest(tl, all(tl))); got != c.want {
			t.Errorf("%s became %s, want %s", c.stages, got, c.want)
		}
	}
}

// A trace of another program may be as long as it likes, and as deep.
func TestHugeTracesAreDrawnAsFarAsTheRowsGo(t *testing.T) {
	const spans = 100_000
	for name, parent := range map[string]func(i int) string{
		"deep": func(i int) string { return fmt.Sprintf("s%d", i-1) },
		"flat": func(int) string { return "s0" },
	} {
		tl := &trace.Timeline{Method: name, DurationNS: spans}
		for i := range spans {
			tl.Stages = append(tl.Stages, trace.StageTime{Stage: fmt.Sprintf("s%d", i), Parent: parent(i), BeginNS: int64(i), EndNS: spans})
			tl.Ledger = append(tl.Ledger, trace.LedgerRow{Stage: fmt.Sprintf("s%d", i), BeginNS: int64(i), EndNS: int64(i) + 1})
		}
		slices.Reverse(tl.Stages) // in no helpful order
		var out bytes.Buffer
		if err := Render(&out, tl, Options{Options: screen.Options{Width: 100}}); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("… %d more", spans-DefaultRows); !strings.Contains(out.String(), want) {
			t.Errorf("%s: no %q in\n%s", name, want, out.String())
		}
		if n := strings.Count(out.String(), "\n"); n > DefaultRows+20 {
			t.Errorf("%s: %d lines", name, n)
		}
	}
}

func TestJSONIsTheTimelineOnOneLine(t *testing.T) {
	var out bytes.Buffer
	tl := &trace.Timeline{Method: "/a.B/<C>", Code: "OK", Attributes: map[string]string{trace.AttrKey: "a\nb"}}
	if err := WriteJSON(&out, tl); err != nil {
		t.Fatal(err)
	}
	if strings.Count(out.String(), "\n") != 1 || !strings.Contains(out.String(), `"method":"/a.B/<C>"`) {
		t.Error(out.String())
	}
}

func TestAWriterThatFailsIsNoticed(t *testing.T) {
	if err := Render(full{}, &trace.Timeline{}, Options{}); err == nil {
		t.Error("Render: no error")
	}
	if err := WriteJSON(full{}, &trace.Timeline{}); err == nil {
		t.Error("WriteJSON: no error")
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left") }

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
