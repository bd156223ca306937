package ctl

import (
	"bytes"
	"slices"
	"testing"
)

func TestALineIsCutIntoWords(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{"  put\tgreeting  hello ", []string{"put", "greeting", "hello"}},
		{`put "a \"b\"\n" 'c "d'`, []string{"put", "a \"b\"\n", `c "d`}},
		{`put "" ''`, []string{"put", "", ""}},
		{`"问候" 你好`, []string{"问候", "你好"}},
		{`a"b c`, []string{`a"b`, "c"}},
	} {
		if got, err := words(c.line); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, %v; want %q", c.line, got, err, c.want)
		}
	}
	for _, line := range []string{`put "a`, `put 'a`, `put "\z"`} {
		if got, err := words(line); err == nil {
			t.Errorf("%q was cut into %q", line, got)
		}
	}
}

func TestThePrefixEndsBehindItsLastKey(t *testing.T) {
	for prefix, want := range map[string]string{
		"a":        "b",
		"az":       "a{",
		"a\xff":    "b",
		"\xff\xff": "\x00", // no key comes behind these: all that follow
	} {
		if got := prefixEnd([]byte(prefix)); !bytes.Equal(got, []byte(want)) {
			t.Errorf("%q ends at %q, want %q", prefix, got, want)
		}
	}
}
