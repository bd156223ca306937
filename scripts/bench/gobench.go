package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// price is what one Go benchmark says.
type price struct {
	NS     float64 `json:"ns"`
	Bytes  float64 `json:"bytes"`
	Allocs float64 `json:"allocs"`
}

// The benchmarks that are quoted. A put with a handler that does nothing costs
// stats.Handler's allocations in both forms.
const (
	stampBenchmark    = "BenchmarkStamp"
	idleBenchmark     = "BenchmarkPut/plain"
	observedBenchmark = "BenchmarkPut/observed"
)

// priced says where they stand.
var priced = map[string][]string{
	"./trace/record": {stampBenchmark},
	"./server/seam":  {"BenchmarkPut"},
}

// goBenchmarks runs them and returns their prices by name.
func goBenchmarks(ctx context.Context, short bool) (map[string]price, error) {
	length := "1s"
	if short {
		length = "2000x"
	}
	all := make(map[string]price)
	for pkg, names := range priced {
		progress("go test -bench in %s", pkg)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-benchmem", "-benchtime", length, //nolint:gosec // our own names
			"-bench", "^("+strings.Join(names, "|")+")$", pkg)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go test -bench in %s: %w\n%s", pkg, err, out)
		}
		parsePrices(out, all)
	}
	return all, nil
}

// parsePrices reads lines such as
//
//	BenchmarkStamp-2   50000000   24.1 ns/op   0 B/op   0 allocs/op
func parsePrices(out []byte, into map[string]price) {
	for line := range bytes.Lines(out) {
		f := strings.Fields(string(line))
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(f[0], "-")
		var p price
		for i := 2; i+1 < len(f); i += 2 {
			n, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			switch f[i+1] {
			case "ns/op":
				p.NS = n
			case "B/op":
				p.Bytes = n
			case "allocs/op":
				p.Allocs = n
			}
		}
		into[name] = p
	}
}
