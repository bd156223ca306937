package extend

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glasskv/scripts/internal/process"
)

var full = flag.Bool("full", false, "follow the recipes in a copy of the repository")

func TestTheDocumentListsWhatEachExampleTouches(t *testing.T) {
	for _, e := range examples {
		t.Run(e.heading, func(t *testing.T) {
			var files []string
			for _, edit := range e.edits {
				files = append(files, edit.file)
			}
			for _, line := range differences(files, read(t, e).files) {
				t.Error(line)
			}
		})
	}
}

// An example whose place in a file has gone is found without a copy.
func TestEveryEditHasItsPlace(t *testing.T) {
	c := &workingCopy{root}
	texts := make(map[string]string)
	for _, e := range examples {
		for _, edit := range e.edits {
			text, seen := texts[edit.file]
			if !seen {
				text = c.read(t, edit.file)
			}
			if edited, err := edit.change(text); err != nil {
				t.Errorf("%s: %s: %v", e.heading, edit.file, err)
			} else {
				texts[edit.file] = edited
			}
		}
	}
}

func TestDifferencesAreFound(t *testing.T) {
	for _, c := range []struct{ files, patterns, want string }{
		{"a/x.go b/y.md", "a/*.go b/y.md", ""},
		{"a/x.go a/y.go", "a/*.go", ""},
		{"a/x.go b/y.md", "a/*.go", "b/y.md is touched and not listed"},
		{"a/x.go", "a/*.go b/y.md", "b/y.md is listed and not touched"},
	} {
		if got := strings.Join(differences(strings.Fields(c.files), strings.Fields(c.patterns)), "\n"); got != c.want {
			t.Errorf("%s against %s: %q, want %q", c.files, c.patterns, got, c.want)
		}
	}
}

// All examples are made in one copy; then each is checked, and then checked again without
// a file of its recipe.
func TestTheRecipesWork(t *testing.T) {
	if !*full {
		t.Skip("compiles a copy of the repository: use -full")
	}
	c := newCopy(t)
	before := make(map[string]string) // edited files as they were
	for _, e := range examples {
		for _, edit := range e.edits {
			old := c.read(t, edit.file)
			if _, seen := before[edit.file]; !seen {
				before[edit.file] = old
			}
			text, err := edit.change(old)
			if err != nil {
				t.Fatalf("%s: %s: %v", e.heading, edit.file, err)
			}
			c.write(t, edit.file, []byte(text))
		}
	}
	c.commit(t)
	runCommands(t, c)
	c.commit(t)

	for _, e := range examples {
		t.Run(e.heading, func(t *testing.T) {
			for _, check := range e.checks {
				if err := check.hold(t, c); err != nil {
					t.Error(err)
				}
			}
			for _, o := range e.needed {
				withoutFile(t, c, o, before)
			}
		})
	}
	t.Run("everything else", func(t *testing.T) {
		if out, err := c.run(t, near); err != nil {
			t.Errorf("%v: a file that its test needs is not listed:\n%s", err, out)
		}
	})
	t.Run("served", func(t *testing.T) { serveWithExporter(t, c) })
}

// near runs the tests of all that the examples come near: a recipe that leaves out a file
// breaks one of them.
const near = "go test ./trace/... ./server/seam/... ./server/command ./walkthrough/... ./scripts/house ./scripts/chapters"

// runCommands runs the commands of all recipes. What they write is what the document says.
func runCommands(t *testing.T, c *workingCopy) {
	t.Helper()
	var written []string
	for _, e := range examples {
		l := read(t, e)
		written = append(written, l.written...)
		for _, command := range l.commands {
			if out, err := c.run(t, command); err != nil {
				t.Fatalf("%s: %s: %v\n%s", e.heading, command, err, out)
			}
		}
	}
	for _, line := range differences(c.changed(t), written) {
		t.Error(strings.Replace(line, "touched", "written by a command", 1))
	}
}

// hold returns an error if the command fails, or if a wanted text is missing from its
// output or, if k.file is set, from that file.
func (k check) hold(t *testing.T, c *workingCopy) error {
	t.Helper()
	out, err := c.run(t, k.command)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", k.command, err, out)
	}
	if k.file != "" {
		out = c.read(t, k.file)
	}
	for _, want := range k.says {
		if !strings.Contains(out, want) {
			return fmt.Errorf("%s: no %q in\n%s", k.command, want, out)
		}
	}
	return nil
}

// withoutFile puts a file back to what it was before the example, and requires that the
// check fails.
func withoutFile(t *testing.T, c *workingCopy, n need, before map[string]string) {
	t.Helper()
	found, err := filepath.Glob(c.path(n.file))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", n.file, found, err)
	}
	name, err := filepath.Rel(c.dir, found[0])
	if err != nil {
		t.Fatal(err)
	}
	now := c.read(t, name)
	if was := before[name]; was != "" {
		c.write(t, name, []byte(was))
	} else {
		c.write(t, name, nil)
	}
	defer c.write(t, name, []byte(now))
	if n.check.hold(t, c) == nil {
		t.Errorf("without %s it still holds: %s", name, n.check.command)
	}
}

// serveWithExporter runs a server with the example's exporter, and makes a request.
func serveWithExporter(t *testing.T, c *workingCopy) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	addr, err := process.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := c.run(t, "go build ."); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	url := "http://" + addr
	cmd := exec.CommandContext(ctx, c.path("glasskv"), "serve", "--exporter", "counts", "--data-dir", t.TempDir(),
		"--listen-client-urls", url, "--advertise-client-urls", url, "--listen-peer-urls", "http://127.0.0.1:0", "--listen-trace-url", "")
	cmd.Env = os.Environ()
	p, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	if err := p.AwaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	if out, err := c.run(t, "./glasskv put k v --endpoints "+addr); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := p.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Output(), " spans\n") {
		t.Errorf("no spans were counted:\n%s", p.Tail())
	}
}
