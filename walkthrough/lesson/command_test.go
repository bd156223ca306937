package lesson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

func execute(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := NewCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetIn(strings.NewReader(""))
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

// The script says what the command prints without playing anything.
func TestTheCommandAsAStory(t *testing.T) {
	datadriven.RunTest(t, "testdata/command", func(t *testing.T, d *datadriven.TestData) string {
		out, err := execute(strings.Fields(d.Input)...)
		if err != nil {
			out += "error: " + err.Error() + "\n"
		}
		return out
	})
}

// Each case is a lesson with a mistake in it, and what is said about that.
func TestMistakesAreToldWithFileAndLine(t *testing.T) {
	datadriven.RunTest(t, "testdata/mistakes", func(t *testing.T, d *datadriven.TestData) string {
		_, err := parse([]byte(d.Input), "mine", "mine/lesson.yaml")
		if err == nil {
			return "fine\n"
		}
		return err.Error() + "\n"
	})
}

func TestTheListAsJSONIsALessonALine(t *testing.T) {
	out, err := execute("--output", "json")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Count(out, "\n")
	for line := range strings.Lines(out) {
		var l listEntry
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Name == "" || l.Title == "" || l.TitleZH == "" || l.Minutes == 0 {
			t.Errorf("%v in %s", err, line)
		}
	}
	if lines != len(all(t)) {
		t.Errorf("%d lines of %d lessons", lines, len(all(t)))
	}
}

// Adding a lesson needs no Go: a copy in a folder elsewhere plays, and has its
// teacher's page.
func TestALessonOfOnesOwnNeedsNoGo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my-own")
	if err := os.CopyFS(dir, os.DirFS("testdata/tiny")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	for _, file := range []string{dir, filepath.Join(dir, lessonFile)} {
		if out, err := execute("--file", file, "--auto", "--lang", "en"); err != nil || !strings.Contains(out, "✔ 5 writes") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
	l, err := LoadFile(dir)
	if err != nil || l.Name != "my-own" || !strings.Contains(fmt.Sprint(l.teacher), "small") {
		t.Errorf("%v, %v", l, err)
	}
}

func TestTheWholeCourseIsPlayedInItsOrder(t *testing.T) {
	lessons := all(t)
	chosen, err := (&flags{all: true}).choose(lessons, nil)
	if err != nil || !slices.Equal(chosen, lessons) {
		t.Errorf("%v, %v", names(chosen), err)
	}
	if !slices.IsSortedFunc(chosen, func(a, b *Lesson) int { return a.Order - b.Order }) {
		t.Errorf("the order %v", names(chosen))
	}
}
