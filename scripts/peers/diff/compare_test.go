package diff

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
)

// verdict is how one command of a story compares.
type verdict struct {
	step
	differs string // how, empty when it does not
}

// compare puts the two servers' outcomes of a story side by side. Steps that
// only wait have nothing to compare.
func compare(steps []step, glasskv, etcd []outcome) []verdict {
	var verdicts []verdict
	for i, s := range steps {
		if s.does == begin || s.does == wait || s.does == restart {
			continue
		}
		verdicts = append(verdicts, verdict{s, difference(glasskv[i], etcd[i])})
	}
	return verdicts
}

func difference(glasskv, etcd outcome) string {
	var all strings.Builder
	for _, part := range []struct{ name, glasskv, etcd string }{
		{"stdout", glasskv.stdout, etcd.stdout},
		{"stderr", glasskv.stderr, etcd.stderr},
		{"exit", glasskv.exit, etcd.exit},
	} {
		if part.glasskv != part.etcd {
			fmt.Fprintf(&all, "%s (-etcd +glasskv):\n%s", part.name, cmp.Diff(part.etcd, part.glasskv))
		}
	}
	return all.String()
}

// table draws a line per command and the figure below.
func table(verdicts []verdict) string {
	var all strings.Builder
	different := 0
	for _, v := range verdicts {
		word := "equal"
		if v.differs != "" {
			word = "DIFFERENT"
			different++
		}
		fmt.Fprintf(&all, "%-9s  %-16s  %s\n", word, v.at, v.text)
	}
	fmt.Fprintf(&all, "commands: %d\ncommands whose output differs: %d\n", len(verdicts), different)
	return all.String()
}
