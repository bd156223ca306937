package lang

import (
	"slices"
	"strings"
	"testing"
)

func TestTheLocaleChoosesTheLanguage(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want Lang
	}{
		{nil, EN},
		{map[string]string{"LANG": "zh_CN.UTF-8"}, ZH},
		{map[string]string{"LANG": "ZH_tw"}, ZH},
		{map[string]string{"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, EN},
		{map[string]string{"LC_ALL": "zh_SG.UTF-8", "LC_MESSAGES": "C", "LANG": "C"}, ZH},
		{map[string]string{"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, EN},
	} {
		if got := FromEnv(func(k string) string { return c.env[k] }); got != c.want {
			t.Errorf("FromEnv(%v) = %s, want %s", c.env, got, c.want)
		}
	}
}

func TestParseRefusesWhatWeDoNotSpeak(t *testing.T) {
	if l, err := Parse("zh"); err != nil || l != ZH {
		t.Errorf("Parse(zh) = %s, %v", l, err)
	}
	if _, err := Parse("fr"); err == nil || !strings.HasSuffix(err.Error(), "want "+Or(Names())) {
		t.Errorf("Parse(fr): %v", err)
	}
	for words, want := range map[string]string{"en zh": "en or zh", "en zh de": "en, zh or de"} {
		if got := Or(strings.Fields(words)); got != want {
			t.Errorf("Or(%s) = %q, want %q", words, got, want)
		}
	}
}

func TestWhatIsMissingInALanguageIsEnglish(t *testing.T) {
	text := Text{"en": "one", "zh": "一", "xx": "un"}
	for l, want := range map[Lang]string{EN: "one", ZH: "一", "xx": "un", "yy": "one", "": "one"} {
		if got := text.In(l); got != want {
			t.Errorf("In(%s) = %q, want %q", l, got, want)
		}
	}
	if got := Lang("yy").Pick("one", "一"); got != "one" {
		t.Errorf("Pick = %q", got)
	}
	if got := text.Unknown(); !slices.Equal(got, []string{"xx"}) {
		t.Errorf("unknown: %v", got)
	}
	for _, l := range Complete {
		if !slices.Contains(Languages, l) {
			t.Errorf("%s is complete and cannot be chosen", l)
		}
	}
}

func TestSayPutsChineseWordsInTheirOwnOrder(t *testing.T) {
	const en, zh = "%s of %d", "%[2]d 之 %[1]s"
	if got := EN.Say(en, zh, "one", 3); got != "one of 3" {
		t.Errorf("English: %q", got)
	}
	if got := ZH.Say(en, zh, "一", 3); got != "3 之 一" {
		t.Errorf("Chinese: %q", got)
	}
}
