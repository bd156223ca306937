package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A ratio is taken round by round: a disk that is slow in one round is slow for
// both, and does not count.
func TestRatioIsTakenWithinARound(t *testing.T) {
	all := make(turns)
	for _, speed := range []float64{1000, 100, 1000} {
		all.add(put64, traceOn, turn{PerSecond: speed * 0.9})
		all.add(put64, traceOff, turn{PerSecond: speed})
	}
	if got, ok := all.ratio(put64, traceOn, traceOff, perSecond); !ok || got != 0.9 {
		t.Errorf("ratio %v, %v; want 0.9", got, ok)
	}
	if _, ok := all.ratio(put64, traceOn, realEtcd, perSecond); ok {
		t.Error("a ratio against a target that had no turn")
	}
}

// The short form fails for a ledger that does not tile, and for what is off by
// an order of magnitude; for a figure that is missed by a little it does not.
func TestSane(t *testing.T) {
	fine := explained{Workload: put64.name, Observer: byClient, P50: 0.97, P99: 0.5}
	broken := explained{Workload: put64.name, Observer: byClient, P50: 0.97, Violations: 1, Examples: []string{"t: gap of 5 ns"}}
	for _, c := range []struct {
		r    result
		want string
	}{
		{result{Explained: []explained{fine}, Turns: ratioOf(0.8)}, ""},
		{result{Explained: []explained{broken}, Turns: ratioOf(0.8)}, "gap of 5 ns"},
		{result{Explained: []explained{fine}, Turns: ratioOf(0.4)}, "put/s with 64 clients"},
	} {
		err := c.r.checkSane()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.r, err, c.want)
		}
	}
}

func ratioOf(v float64) turns {
	all := make(turns)
	all.add(put64, traceOn, turn{PerSecond: v})
	all.add(put64, traceOff, turn{PerSecond: 1})
	return all
}

// What stands around the markers stays; a document without them is left alone.
func TestReplaceBetween(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.md")
	for doc, want := range map[string]string{
		"a\n" + beginMarker + "\nold\n" + endMarker + "\nb\n": "a\n" + beginMarker + "\n\nnew\n" + endMarker + "\nb\n",
		"no markers\n": "no markers\n",
	} {
		if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
			t.Fatal(err)
		}
		err := replaceBetween(file, "new")
		got, readErr := os.ReadFile(file)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if string(got) != want || (err == nil) != (doc != want) {
			t.Errorf("%q became %q, %v", doc, got, err)
		}
	}
}

// The lines of "go test -bench" are taken apart by unit, whatever their order,
// and the number of processors is no part of a name.
func TestParsePrices(t *testing.T) {
	prices := make(map[string]price)
	parsePrices([]byte("goos: linux\n"+
		"BenchmarkPut/plain-2   \t   15585\t     71780 ns/op\t    9869 B/op\t     152 allocs/op\n"+
		"BenchmarkStamp-16   \t50000000\t        24.1 ns/op\nPASS\n"), prices)
	if want := (price{71780, 9869, 152}); prices[idleBenchmark] != want {
		t.Errorf("%s: %v, want %v", idleBenchmark, prices[idleBenchmark], want)
	}
	if got := prices[stampBenchmark].NS; got != 24.1 || len(prices) != 2 {
		t.Errorf("got %v", prices)
	}
}

// The short form leaves workloads out; its tables leave out their columns, and
// every row has as many cells as the head.
func TestTablesHaveNoHoles(t *testing.T) {
	r := result{Turns: ratioOf(0.8)}
	text := r.markdown()
	if strings.Contains(text, put256.name) {
		t.Errorf("a column for a workload that was not run:\n%s", text)
	}
	for _, table := range strings.Split(text, "\n\n")[1:] {
		rows := strings.Split(strings.TrimSpace(table), "\n")
		for _, row := range rows {
			if strings.Count(row, "|") != strings.Count(rows[0], "|") {
				t.Errorf("%q does not fit below %q", row, rows[0])
			}
		}
	}
}
