package main

import (
	"strings"
	"testing"
)

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
