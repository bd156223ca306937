package guide

import (
	"cmp"
	"slices"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/branch"
)

// mostNearest bounds how many names are offered.
const mostNearest = 3

// Nearest returns the names of the stages and branches that come closest to a mistyped one,
// the best first; none when nothing comes close.
func Nearest(name string) []string {
	type candidate struct {
		name     string
		distance int
	}
	name = strings.ToLower(name)
	var near []candidate
	for _, known := range names() {
		full := strings.ToLower(known)
		_, short, _ := strings.Cut(full, ".")
		d := min(distance(name, full), distance(name, short)+1)
		if len(name) >= 3 && strings.Contains(full, name) {
			d = min(d, 1)
		}
		if d <= max(2, len(name)/3) {
			near = append(near, candidate{known, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	out := make([]string, 0, mostNearest)
	for _, c := range near[:min(len(near), mostNearest)] {
		out = append(out, c.name)
	}
	return out
}

// names are all that explain knows.
func names() []string {
	all := []string{DebugName}
	for _, spec := range stages.Specs() {
		all = append(all, spec.Name)
	}
	for _, b := range branch.All() {
		all = append(all, b.Name)
	}
	return all
}

// distance counts the letters to put in, take out or change to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
