package diff

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glasskv/scripts/peers/internal/twin"
)

var (
	show    = flag.Bool("show", false, "print what real etcd answered to every command")
	against = flag.String("against", twin.GlassKV, "what to compare with real etcd; etcd itself shows what is chance")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(twin.RunTests(m, "etcdctl", "etcdutl"))
}

// Whatever etcdctl asks, it cannot tell GlassKV from real etcd.
func TestCommandsAnswerAlike(t *testing.T) {
	var all []verdict
	m := twin.NewMember(t)
	told := stories(t)
	for _, name := range slices.Sorted(maps.Keys(told)) {
		t.Run(name, func(t *testing.T) {
			etcd := ask(t, m.Fresh(t), twin.Etcd, told[name])
			if *show {
				for i, s := range told[name].steps {
					t.Logf("%s\n%s%s%s", s.text, etcd[i].stdout, etcd[i].stderr, etcd[i].exit)
				}
			}
			glasskv := ask(t, m.Fresh(t), *against, told[name])
			for _, v := range compare(told[name].steps, glasskv, etcd) {
				if v.differs != "" {
					t.Errorf("%s: %s\n%s", v.at, v.text, v.differs)
				}
				all = append(all, v)
			}
		})
	}
	t.Logf("\n%s", table(all))
	if testing.Short() || len(all) >= 60 {
		return
	}
	t.Errorf("%d commands are compared, at least 60 are promised", len(all))
}

// A server that answers something else is found, whatever differs: what is
// printed, what is complained about, or how the command exits. The same etcd
// twice, the second with a past that the story does not know, is such a server.
func TestADifferenceIsFound(t *testing.T) {
	told := parsed(t, `
etcdctl get greeting
etcdctl get other
etcdctl put --ignore-value greeting
`)
	withPast := parsed(t, "etcdctl put greeting hello\n")
	past := len(withPast.steps)
	withPast.steps = append(withPast.steps, told.steps...)
	m := twin.NewMember(t)
	one := ask(t, m.Fresh(t), twin.Etcd, told)
	two := ask(t, m.Fresh(t), twin.Etcd, withPast)[past:]

	var found []string
	for _, v := range compare(told.steps, one, two) {
		found = append(found, v.at+" "+strings.Join(parts(v.differs), " "))
	}
	want := []string{"story:2 stdout", "story:3 ", "story:4 stdout stderr exit"}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

// parts names what of an outcome differs.
func parts(difference string) []string {
	var names []string
	for line := range strings.Lines(difference) {
		if name, ok := strings.CutSuffix(line, " (-etcd +glasskv):\n"); ok {
			names = append(names, name)
		}
	}
	return names
}

func parsed(t *testing.T, text string) story {
	t.Helper()
	told, err := parse("story", text)
	if err != nil {
		t.Fatal(err)
	}
	return told
}

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

// normalisers are what may be left out of a comparison, and nothing else. A
// story names them in front of the commands that need them. Each leaves what
// surrounds it as it is.
var normalisers = map[string]func(string) string{
	// How long something took: 1.234567ms.
	"took": replace(`\b\d+(\.\d+)?(ns|µs|ms|s)\b`, "<took>"),
	// IDs that the server or the client made up, where there is no name for
	// them: sessions and the keys of locks.
	"ids": replace(`\b[0-9a-f]{15,16}\b`, "<id>"),
	// How large a file is and how much of it is used, which follows from how
	// often it was committed.
	"sizes": replace(`\b\d+(?:\.\d+)? [kM]?B\b|\b\d+%|([sS]ize\w*"? ?: ?)\d+`, "${1}<size>"),
	// How wide a table's columns are, which follows from what is in them.
	"columns": replace(`([ ─])[ ─]*`, "$1"),
	// In which order things stand that are listed by an ID which was made up.
	"order": inOrder,
	// How much of a lease is left.
	"left": replace(`(remaining\(|"ttl":)\d+`, "${1}<left>"),
	// What the client's log says of the client itself: when, the address of a
	// structure, its own port.
	"log": replace(`("ts":")[^"]*|(//)0x[0-9a-f]+|(LocalAddr: ')[^']*`, "${1}${2}${3}<log>"),
}

func replace(pattern, with string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(text string) string { return re.ReplaceAllString(text, with) }
}

// inOrder sorts the words of a text.
func inOrder(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n,\"{}[]", r) })
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestNormalisersLeaveTheRest(t *testing.T) {
	for _, tt := range []struct{ name, in, out string }{
		{"took", "is healthy: took = 1.5ms for 3 keys", "is healthy: took = <took> for 3 keys"},
		{"ids", "door/694d9a1b2c3d4e5f held 12 times", "door/<id> held 12 times"},
		{"sizes", "3.7.3, 20 kB, true", "3.7.3, <size>, true"},
		{"columns", "┌────┐│ a │    b │", "┌─┐│ a │ b │"},
		{"order", "\"b=2,a=1\"\nc", "a=1 b=2 c"},
		{"left", "granted with TTL(60s), remaining(59s)", "granted with TTL(60s), remaining(<left>s)"},
		{"sizes", `{"dbSize":20480,"rev":5}`, `{"dbSize":<size>,"rev":5}`},
		{"log",
			`{"ts":"2026-01-01","target":"etcd://0xc0001/x","peer":"Addr: 'a:1', LocalAddr: 'b:2'"}`,
			`{"ts":"<log>","target":"etcd://<log>/x","peer":"Addr: 'a:1', LocalAddr: '<log>'"}`,
		},
	} {
		if got := normalisers[tt.name](tt.in); got != tt.out {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.in, got, tt.out)
		}
	}
}
