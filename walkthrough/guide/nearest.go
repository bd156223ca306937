package guide

import (
	"cmp"
	"slices"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/branch"
)

// mostNearest is how many names Nearest returns at most.
const mostNearest = 3

// Nearest returns up to three names of stages and branches that a mistyped name may mean,
// the most similar first. It returns nothing if no name is similar.
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

// names returns all names that explain takes.
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

// distance returns the Levenshtein distance of two texts, in bytes.
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
