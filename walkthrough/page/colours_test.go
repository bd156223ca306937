package page

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

var sequence = regexp.MustCompile(`38;2;(\d+);(\d+);(\d+)`)

func TestKindsHaveTheTerminalsColours(t *testing.T) {
	css, err := staticFiles.ReadFile("static/page.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []trace.Kind{trace.KindWork, trace.KindQueue, trace.KindDisk, trace.KindNetwork, trace.KindConsensus, trace.KindHeld, trace.KindNone} {
		m := sequence.FindStringSubmatch(screen.RoleOf(k).Paint("x"))
		if m == nil {
			t.Fatalf("%s has no colour on a terminal", class(k))
		}
		var r, g, b int
		if _, err := fmt.Sscan(strings.Join(m[1:], " "), &r, &g, &b); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("--%s: #%02x%02x%02x;", class(k), r, g, b); !strings.Contains(string(css), want) {
			t.Errorf("the style has no %s", want)
		}
	}
}
