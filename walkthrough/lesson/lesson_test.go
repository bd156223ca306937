package lesson

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/source"
)

func all(t *testing.T) []*Lesson {
	t.Helper()
	lessons, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return lessons
}

// play plays a lesson with flags as on the command line. Nothing of it may remain in
// the directory that it was given.
func play(t *testing.T, l *Lesson, o Options, flags ...string) (*Outcome, string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	o.Show = shown(t, flags...)
	ctx, cancel := context.WithTimeout(t.Context(), playTimeout)
	defer cancel()
	var out bytes.Buffer
	outcome, err := Play(ctx, &out, l, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	wantEmpty(t, dir)
	return outcome, out.String()
}

// upstream is its source at the versions in go.mod; a test's binary does not know
// what it was built with.
func upstream(t *testing.T) *source.Library {
	t.Helper()
	library, err := source.ForModule(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	return library
}

func shown(t *testing.T, flags ...string) *show.Flags {
	t.Helper()
	f := show.New()
	fs := pflag.NewFlagSet("lesson", pflag.ContinueOnError)
	f.AddFlags(fs)
	if err := fs.Parse(append([]string{"--lang", "en"}, flags...)); err != nil {
		t.Fatal(err)
	}
	return f
}

func wantEmpty(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// The course is played as a class would see it, and every claim is held against the
// run that it was made in.
func TestEveryLessonShowsWhatItClaims(t *testing.T) {
	for i, l := range all(t) {
		t.Run(l.Name, func(t *testing.T) {
			in := []string{"en", "zh"}[i%2]
			outcome, text := play(t, l, Options{Auto: true, Source: upstream(t)}, "--lang", in, "--width", "80")
			for _, failed := range outcome.Failed() {
				t.Error(failed.Err())
			}
			if len(outcome.Claims) < minClaims {
				t.Errorf("%d claims", len(outcome.Claims))
			}
			if strings.Contains(text, "\x1b") || strings.Contains(text, "${") {
				t.Error("an escape sequence or a formula in the text")
			}
			for line := range strings.Lines(text) {
				if line = strings.TrimRight(line, "\n"); screen.Width(line) > 80 {
					t.Errorf("a line of %d columns: %s", screen.Width(line), line)
				}
			}
		})
	}
}

func TestTheCourseIsComplete(t *testing.T) {
	lessons := all(t)
	if len(lessons) < 14 {
		t.Errorf("%d lessons", len(lessons))
	}
	places := make(map[int]string)
	for _, l := range lessons {
		if l.Minutes < 5 || l.Minutes > 10 {
			t.Errorf("%s: %d minutes", l.Name, l.Minutes)
		}
		if other := places[l.Order]; other != "" || l.Order == 0 {
			t.Errorf("%s: order %d, as %s", l.Name, l.Order, other)
		}
		places[l.Order] = l.Name
		wantTeacher(t, l, lang.EN, "## Goal", "## Timing", "## Ask the class", "## What goes wrong", "## Read next")
		wantTeacher(t, l, lang.ZH, "## 目标", "## 时间安排", "## 问学生", "## 会出什么岔子", "## 接着读")
	}
}

func wantTeacher(t *testing.T, l *Lesson, in lang.Lang, headings ...string) {
	t.Helper()
	page := l.teacher[in]
	for _, h := range headings {
		if !strings.Contains(page, h+"\n") {
			t.Errorf("%s: the teacher's page (%s) has no %q", l.Name, in, h)
		}
	}
}

// What a lesson points to is there, at the versions in go.mod.
func TestEveryPlaceThatIsPointedToExists(t *testing.T) {
	library := upstream(t)
	for _, l := range all(t) {
		for _, s := range l.Steps {
			switch {
			case s.Point != nil:
				if _, err := library.Excerpt(s.Point.Symbol, s.Point.Anchor); err != nil {
					t.Error(l.mistake(s, "%w", err))
				}
			case s.Chapter != "":
				stage, _ := stages.ByName(s.Chapter)
				for _, in := range []lang.Lang{lang.EN, lang.ZH} {
					if _, ok := chapter.Of(stage, in); !ok {
						t.Error(l.mistake(s, "no chapter of %s in %s", s.Chapter, in))
					}
				}
			}
		}
	}
}
