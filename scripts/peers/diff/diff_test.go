package diff

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

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
