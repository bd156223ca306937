package main

import "testing"

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
