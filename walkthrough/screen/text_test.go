package screen

import (
	"strings"
	"testing"
)

func TestPaddingCountsColumnsAndNotCharacters(t *testing.T) {
	if got := Left("等待", 6) + "|"; got != "等待  |" {
		t.Errorf("Left: %q", got)
	}
	if got := Right("µs", 4); got != "  µs" {
		t.Errorf("Right: %q", got)
	}
	if got := Left("too long", 3); got != "too long" {
		t.Errorf("Left shortened: %q", got)
	}
}

func TestCuttingKeepsWordsAndFits(t *testing.T) {
	const note = "one fdatasync made the whole batch durable"
	for n := 1; n < 50; n++ {
		if got := Cut(note, n); Width(got) > n {
			t.Errorf("Cut to %d: %q", n, got)
		}
	}
	if got := Cut(note, 20); got != "one fdatasync made…" {
		t.Errorf("Cut: %q", got)
	}
	if got := Cut("请求被排在其他条目之后", 9); Width(got) > 9 || !strings.HasSuffix(got, "…") {
		t.Errorf("Cut Chinese: %q", got)
	}
}

func TestTheMiddleOfANameIsLeftOut(t *testing.T) {
	const name = "etcdserver.processInternalRaftRequestOnce"
	if got := Middle(name, 23); got != "etcdserver.…RequestOnce" {
		t.Errorf("Middle: %q", got)
	}
	for _, s := range []string{name, "价格.计算.一个很长的名字", "\x1b[31mred"} {
		for n := 0; n < 45; n++ {
			if got := Middle(s, n); Width(got) > max(n, Width(s)) || Width(s) > n && Width(got) > n {
				t.Errorf("Middle(%q, %d) = %q", s, n, got)
			}
		}
	}
}

func TestWrappingLosesNothingAndFits(t *testing.T) {
	for _, text := range []string{
		"Most of it was the disk: 302 µs (26 %) in one fdatasync for 12 writes.",
		"大部分是磁盘：302 µs（26 %），12 个写请求共用的一次 fdatasync。",
		strings.Repeat("x", 100),
	} {
		for n := 12; n < 90; n++ {
			lines := Wrap(text, n)
			for _, l := range lines {
				if Width(l) > n {
					t.Fatalf("a line of %d columns, want at most %d: %q", Width(l), n, l)
				}
			}
			without := func(s string) string { return strings.ReplaceAll(s, " ", "") }
			if got := strings.Join(lines, ""); without(got) != without(text) {
				t.Fatalf("at %d columns %q became %q", n, text, got)
			}
		}
	}
}

func TestANumberKeepsItsUnitAndChineseItsMarks(t *testing.T) {
	for _, l := range Wrap("it took 1.13 ms (49 %) in all", 13) {
		if strings.HasSuffix(l, "1.13") || strings.HasSuffix(l, "49") {
			t.Errorf("the unit was torn off: %q", l)
		}
	}
	for n := 4; n < 20; n++ {
		for _, l := range Wrap("一二三，四五六。七八", n) {
			if strings.HasPrefix(l, "，") || strings.HasPrefix(l, "。") {
				t.Errorf("a line begins with a closing mark: %q", l)
			}
		}
	}
}

func TestNothingAClientSentMovesTheCursor(t *testing.T) {
	for in, want := range map[string]string{
		"greeting":              "greeting",
		"价格":                    "价格",
		"a\x1b[31mb":            `a\x1b[31mb`,
		"a\r\n\tb\x00":          `a\r\n\tb\x00`,
		"exe.\u202egnp":         `exe.\u202egnp`,
		"\u2066x\u2069\u200b":   `\u2066x\u2069\u200b`,
		"\xff\xfe":              `\xff\xfe`,
		`back\slash`:            `back\slash`,
		"\u009b31m\u2028":       `\u009b31m\u2028`,
		"\U000e0041 language":   `\U000e0041 language`,
		"\ufeffbom\u00ad\ue000": `\ufeffbom\u00ad\ue000`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %s, want %s", in, got, want)
		}
	}
	for in, want := range map[string]string{"": `""`, "a b": `"a b"`, `a"b`: `"a\"b"`, "plain": "plain",
		"价格": "价格", `a\x1b`: `"a\\x1b"`, "a\x1b": `"a\x1b"`} {
		if got := Quote(in); got != want {
			t.Errorf("Quote(%q) = %s, want %s", in, got, want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\x1b]0;title\x07")
	f.Add("\u202e\u0301\xf0\x9f")
	f.Fuzz(func(t *testing.T, s string) {
		safe := Escape(s)
		for _, r := range safe {
			if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("Escape(%q) let %U through", s, r)
			}
		}
	})
}

func TestACharacterWiderThanTheLineHasALineToItself(t *testing.T) {
	for _, n := range []int{1, 0, -2} {
		if got := Wrap("等待 x", n); strings.Join(got, "|") != "等|待|x" {
			t.Errorf("Wrap to %d: %q", n, got)
		}
	}
}
