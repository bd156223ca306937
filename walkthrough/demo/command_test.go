package demo

import (
	"bytes"
	"strings"
	"testing"
)

func execute(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := NewCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

func TestMistakesAreRefusedBeforeAnythingStarts(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--only puts", "no scene \"puts\", use one of put, reused, range, unknown, shared, table"},
		{"--lang fr", "use en or zh"},
		{"--output yaml", "use text or json"},
		{"--frobnicate", "unknown flag: --frobnicate"},
		{"puts", "no scene \"puts\", use one of put, reused, range, unknown, shared, table, or a branch that --list names"},
		{"put --only range", "name the scene once"},
		{"put range", "accepts at most 1 arg"},
	} {
		if out, err := execute(strings.Fields(c.args)...); err == nil || !strings.Contains(err.Error(), c.want) || out != "" {
			t.Errorf("%s: error %v, output %q; want %q", c.args, err, out, c.want)
		}
	}
}

func TestTheListNamesScenesAndBranches(t *testing.T) {
	out, err := execute("--list", "--lang", "en", "--width", "100")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(sceneNames(), branchNames()...) {
		if !strings.Contains(out, "  "+name+" ") {
			t.Errorf("no %s", name)
		}
	}
}

// A write to a connection whose other side is gone raises the same signal as one
// to a pipe that nobody reads. Over TLS that is how most connections end.
func TestAConnectionThatIsGoneDoesNotStopTheDemo(t *testing.T) {
	for range 3 {
		if out, err := execute("tls", "--output", "json"); err != nil || strings.Count(out, "\n") != 1 {
			t.Errorf("%v: %q", err, out)
		}
	}
}
