package screen

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"

	"glasskv/trace/stages"
)

func TestEveryColourStandsOutOnLightAndOnDark(t *testing.T) {
	const least = 3 // what WCAG asks of graphics
	for role, hex := range hues {
		if hex == "" {
			continue
		}
		r, g, b, _ := lipgloss.Color(hex).RGBA()
		l := luminance(r, g, b)
		if onWhite, onBlack := 1.05/(l+0.05), (l+0.05)/(0.0085+0.05); onWhite < least || onBlack < least {
			t.Errorf("role %d, %s: contrast %.1f on white, %.1f on #181818", role, hex, onWhite, onBlack)
		}
	}
}

// luminance is the relative luminance of sRGB.
func luminance(r, g, b uint32) float64 {
	linear := func(c uint32) float64 {
		v := float64(c) / 0xffff
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
}

func TestEveryKindOfTimeHasItsOwnColour(t *testing.T) {
	seen := map[string]stages.Kind{}
	for _, k := range []stages.Kind{stages.KindWork, stages.KindQueue, stages.KindDisk, stages.KindNetwork, stages.KindConsensus, stages.KindHeld, stages.KindNone} {
		hue := hues[RoleOf(k)]
		if other, taken := seen[hue]; taken {
			t.Errorf("%q and %q are both %s", k, other, hue)
		}
		seen[hue] = k
	}
}

func TestAPipeGetsNoColours(t *testing.T) {
	var out bytes.Buffer
	for _, c := range []struct {
		when  string
		env   []string
		wants bool
	}{
		{"auto", []string{"TERM=xterm-256color"}, false},
		{"never", []string{"TERM=xterm-256color", "CLICOLOR_FORCE=1"}, false},
		{"always", []string{"TERM=xterm-256color", "NO_COLOR=1"}, true},
		{"always", nil, true},
	} {
		o, err := Detect(&out, c.env, c.when)
		if err != nil {
			t.Fatal(err)
		}
		out.Reset()
		w := NewWriter(&out, o)
		w.Line(Good.Paint("OK"), "  ")
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "\x1b["); got != c.wants {
			t.Errorf("%s with %v wrote %q", c.when, c.env, out.String())
		}
	}
}

func TestAnyValueOfNoColorCounts(t *testing.T) {
	for _, value := range []string{"1", "yes", "0"} {
		env := standardNoColor([]string{"TERM=xterm", "NO_COLOR=" + value})
		if got := colorprofile.Env(env); got > colorprofile.ASCII {
			t.Errorf("NO_COLOR=%s still gives %v", value, got)
		}
	}
	if got := colorprofile.Env(standardNoColor([]string{"TERM=xterm", "NO_COLOR="})); got < colorprofile.ANSI {
		t.Errorf("an empty NO_COLOR takes the colours away: %v", got)
	}
}

func TestAnUnknownWordForColoursIsRefused(t *testing.T) {
	if _, err := Detect(&bytes.Buffer{}, nil, "sometimes"); err == nil {
		t.Error("no error")
	}
}

func TestPoorTerminalsGetASCII(t *testing.T) {
	var out bytes.Buffer
	o, err := Detect(&out, []string{"TERM=linux"}, "never")
	if err != nil {
		t.Fatal(err)
	}
	w := NewWriter(&out, o)
	w.Line("● ├ 302 µs ▐██▌ · …")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "* | 302 us #### . ~\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTheWidthIsKeptWithinBounds(t *testing.T) {
	for in, want := range map[int]int{0: 80, 10: 60, 100: 100, 1000: 200} {
		if got := (Options{Width: in}).Columns(&bytes.Buffer{}); got != want {
			t.Errorf("Columns of %d = %d, want %d", in, got, want)
		}
	}
}
