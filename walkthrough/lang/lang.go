// Package lang selects the reader's language and the texts in it.
//
// There is no table of messages. The code that prints a sentence holds it in English and
// Chinese, side by side, so that they are changed together. Texts in files (Text, and the
// chapters) may be in more languages.
package lang

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"glasskv/trace/stages"
)

// Lang is a language of GlassKV's texts. The zero value is English.
type Lang string

// The languages.
const (
	EN Lang = "en"
	ZH Lang = "zh"
)

// Languages lists the languages that a reader can choose, in the order of help texts.
var Languages = []Lang{EN, ZH}

// Complete lists the languages in which every text exists; the tests require it. In any
// other language, a missing text is shown in English.
var Complete = []Lang{EN, ZH}

// Names returns the names of Languages, which are the values of a --lang flag.
func Names() (names []string) {
	for _, l := range Languages {
		names = append(names, string(l))
	}
	return names
}

// Or returns words as English lists a choice: "a, b or c". There must be at least two.
func Or(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// Parse returns the language named by the value of a --lang flag, one of Names. Any
// other value is an error.
func Parse(s string) (Lang, error) {
	if l := Lang(s); slices.Contains(Languages, l) {
		return l, nil
	}
	return EN, fmt.Errorf("language %q: want %s", s, Or(Names()))
}

// FromEnv returns the language of the locale: the first of LC_ALL, LC_MESSAGES and
// LANG that is set decides, as in POSIX. getenv returns the value of a variable.
func FromEnv(getenv func(string) string) Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		for _, l := range Languages {
			if strings.HasPrefix(strings.ToLower(value), string(l)) {
				return l
			}
		}
		return EN
	}
	return EN
}

// Pick returns the text of the language. For a language other than English and Chinese,
// it returns the English one.
func (l Lang) Pick(en, zh string) string {
	if l == ZH {
		return zh
	}
	return en
}

// Text is a text in several languages, by the names of the languages, as
// YAML files write it: {en: …, zh: …}.
type Text map[string]string

// In returns the text in a language. If it does not exist in that language, In returns
// the English one.
func (t Text) In(l Lang) string { return cmp.Or(t[string(l)], t[string(EN)]) }

// Unknown returns the keys of the text that are not names of Languages, sorted.
func (t Text) Unknown() []string {
	known := func(name string) bool { return slices.Contains(Languages, Lang(name)) }
	return slices.DeleteFunc(slices.Sorted(maps.Keys(t)), known)
}

// Say formats the text of the language with args. The Chinese format may refer to
// the operands by index ("%[2]d") if its order of words differs.
func (l Lang) Say(en, zh string, args ...any) string {
	return fmt.Sprintf(l.Pick(en, zh), args...)
}

// Kind returns a word for a kind of time. For any other value, it returns
// "unexplained".
func (l Lang) Kind(k stages.Kind) string {
	switch k {
	case stages.KindWork:
		return l.Pick("work", "计算")
	case stages.KindQueue:
		return l.Pick("queue", "排队")
	case stages.KindDisk:
		return l.Pick("disk", "磁盘")
	case stages.KindNetwork:
		return l.Pick("network", "网络")
	case stages.KindConsensus:
		return l.Pick("consensus", "共识")
	case stages.KindHeld:
		return l.Pick("held", "人为停住")
	}
	return l.Pick("unexplained", "未解释")
}

// Scope returns a phrase that says how often, or by whom, a stage of this scope is
// done.
func (l Lang) Scope(s stages.Scope) string {
	switch s {
	case stages.ScopeConn:
		return l.Pick("once per connection", "每个连接一次")
	case stages.ScopeBatch:
		return l.Pick("shared by a batch", "一批请求共用")
	case stages.ScopePeer:
		return l.Pick("another member's work", "由其他成员完成")
	}
	return l.Pick("once per request", "每个请求一次")
}
