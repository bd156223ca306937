package timeline

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/colorprofile"
	"github.com/cockroachdb/datadriven"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timelinetest"
)

// Each file in testdata is a story: a request is told, then looked at on
// several screens. Run with -rewrite and review the difference as text.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		var told *trace.Timeline
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "request":
				var err error
				if told, err = timelinetest.Parse(d.Input); err != nil {
					d.Fatalf(t, "%v", err)
				}
				drawEverywhere(t, told)
				return checkLedger(told)
			case "render":
				return draw(t, told, optionsOf(t, d))
			}
			d.Fatalf(t, "unknown command %q", d.Cmd)
			return ""
		})
	})
}

// checkLedger says how much of the told request its ledger explains.
func checkLedger(tl *trace.Timeline) string {
	at := int64(0)
	for _, row := range tl.Ledger {
		if row.BeginNS != at {
			return fmt.Sprintf("the ledger has a gap or overlap at %d ns", at)
		}
		at = row.EndNS
	}
	return fmt.Sprintf("%d stages, %.1f %% explained", len(tl.Stages), 100*tl.Explained)
}

// colours are the only sequences that may be written.
var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func optionsOf(t *testing.T, d *datadriven.TestData) (o Options) {
	var language, fold string
	d.MaybeScanArgs(t, "width", &o.Width)
	d.MaybeScanArgs(t, "rows", &o.MaxRows)
	d.MaybeScanArgs(t, "lang", &language)
	o.Lang, o.ASCII = lang.Lang(language), d.HasArg("ascii")
	if d.HasArg("color") {
		o.Profile = colorprofile.TrueColor
	}
	if d.MaybeScanArgs(t, "fold", &fold) {
		var err error
		if o.Fold, err = time.ParseDuration(fold); err != nil {
			d.Fatalf(t, "%v", err)
		}
	}
	return o
}

// drawEverywhere draws on screens of many widths, for what every picture must
// hold.
func drawEverywhere(t *testing.T, tl *trace.Timeline) {
	t.Helper()
	for width := screen.MinWidth; width <= screen.MaxWidth; width += 14 {
		for _, language := range []lang.Lang{lang.EN, lang.ZH} {
			o := Options{Options: screen.Options{Width: width, Lang: language, ASCII: width%3 == 0}}
			if width%4 == 0 {
				o.Profile = colorprofile.ANSI256
			}
			draw(t, tl, o)
		}
	}
}

// draw renders and holds what every picture must hold: no line is wider than
// the screen, and no control character gets out.
func draw(t *testing.T, tl *trace.Timeline, o Options) string {
	t.Helper()
	var out bytes.Buffer
	if err := Render(&out, tl, o); err != nil {
		t.Fatal(err)
	}
	width := o.Columns(&out)
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		if got := screen.Width(line); got > width {
			t.Errorf("a line is %d columns wide, the screen %d:\n%s", got, width, line)
		}
		if left := colours.ReplaceAllString(line, ""); strings.ContainsFunc(left, unicode.IsControl) {
			t.Errorf("a control character got out: %q", line)
		}
	}
	if o.Profile > colorprofile.NoTTY {
		return strings.ReplaceAll(out.String(), "\x1b", "␛")
	}
	return out.String()
}

// BenchmarkRender is what `glasskv serve --timeline` pays for a request.
func BenchmarkRender(b *testing.B) {
	story, err := os.ReadFile("testdata/put_shared")
	if err != nil {
		b.Fatal(err)
	}
	_, told, _ := strings.Cut(string(story), "\nrequest\n")
	told, _, _ = strings.Cut(told, "\n----")
	tl, err := timelinetest.Parse(told)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Render(io.Discard, tl, Options{Options: screen.Options{Width: 120}}); err != nil {
			b.Fatal(err)
		}
	}
}
