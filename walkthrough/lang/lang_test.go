package lang

import "testing"

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
	if _, err := Parse("fr"); err == nil {
		t.Error("Parse(fr) succeeded")
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
