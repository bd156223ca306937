package prose

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// render shows the lines without their colours, and checks their width.
func render(t *testing.T, markdown string, width int) string {
	t.Helper()
	var plain []string
	for _, line := range Lines(markdown, width) {
		if w := ansi.StringWidth(line); w > width {
			t.Errorf("%d columns, at most %d: %q", w, width, line)
		}
		if strings.Count(line, "\x1b[")%2 != 0 {
			t.Errorf("a colour runs on over the line's end: %q", line)
		}
		plain = append(plain, ansi.Strip(line))
	}
	return strings.Join(plain, "\n")
}

func TestWhatChaptersAreWrittenWith(t *testing.T) {
	for name, c := range map[string]struct {
		markdown, want string
		width          int
	}{
		"words":       {"One *two* **three** `four`, [five](http://x) <b>six</b>.", "One two three four,\nfive six.", 20},
		"colours":     {"**every one of these words is strong**", "every one of these\nwords is strong", 20},
		"headings":    {"## What happens\ntext", "## What happens\n\ntext", 30},
		"a list":      {"- one that is long enough to be broken\n- two\n  1. three", "• one that is long\n  enough to be\n  broken\n• two\n  1. three", 20},
		"a loose one": {"3. three\n\n4. four", "3. three\n\n4. four", 20},
		"a quotation": {"> said by somebody at length", "│ said by somebody\n│ at length", 20},
		"code":        {"```\nglasskv put a-key-that-is-long b\n\tx\n```", "  glasskv put…\n      x", 18},
		"a table":     {"|a|bb|\n|---|---|\n|ccc|`d`|", "a    bb\nccc  d", 20},
		"a wide one":  {"|aaaaaaaaaa|bbbbbbbb|\n|---|---|\n|c|d|", "aaaaaaaaaa ·\nbbbbbbbb\nc · d", 18},
		"Chinese":     {"写入只到内核，`Sync` 要\n等到落盘，然后“返回”。", "写入只到内核，Sync\n要等到落盘，然后\n“返回”。", 18},
		"backslashes": {`1\. \*not\* a list, ` + "`a\\*b`", `1. *not* a list, a\*b`, 30},
		"control":     {"a\x1b[2Jb", `a\x1b[2Jb`, 30},
		"nothing":     {"", "", 30},
	} {
		t.Run(name, func(t *testing.T) {
			if got := render(t, c.markdown, c.width); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}
