// Package lang knows in which language the reader is spoken to.
//
// There is no table of messages: a sentence stands in both languages at the
// place that says it, side by side, so that whoever changes one sees the other.
package lang

import (
	"fmt"
	"strings"

	"glasskv/trace"
)

// Lang is a language that GlassKV speaks. The zero value is English.
type Lang string

// The languages.
const (
	EN Lang = "en"
	ZH Lang = "zh"
)

// Parse reads the value of a --lang flag. It returns an error for a language
// that GlassKV does not speak.
func Parse(s string) (Lang, error) {
	switch l := Lang(s); l {
	case EN, ZH:
		return l, nil
	}
	return EN, fmt.Errorf("language %q: want en or zh", s)
}

// FromEnv chooses the language from the locale's variables, in the order in
// which POSIX lets them override each other.
func FromEnv(getenv func(string) string) Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		if strings.HasPrefix(strings.ToLower(value), "zh") {
			return ZH
		}
		return EN
	}
	return EN
}

// Pick returns the text of the language.
func (l Lang) Pick(en, zh string) string {
	if l == ZH {
		return zh
	}
	return en
}

// Say formats the text of the language. The Chinese one may name its operands
// by index where the order of the words differs.
func (l Lang) Say(en, zh string, args ...any) string {
	return fmt.Sprintf(l.Pick(en, zh), args...)
}

// Text returns what a stage says in the language.
func (l Lang) Text(spec *trace.Spec) trace.Text {
	if l == ZH {
		return spec.ZH
	}
	return spec.EN
}

// Kind names a kind of time in one word.
func (l Lang) Kind(k trace.Kind) string {
	switch k {
	case trace.KindWork:
		return l.Pick("work", "计算")
	case trace.KindQueue:
		return l.Pick("queue", "排队")
	case trace.KindDisk:
		return l.Pick("disk", "磁盘")
	case trace.KindNetwork:
		return l.Pick("network", "网络")
	case trace.KindConsensus:
		return l.Pick("consensus", "共识")
	case trace.KindHeld:
		return l.Pick("held", "人为停住")
	}
	return l.Pick("unexplained", "未解释")
}

// Scope says whose work a stage is.
func (l Lang) Scope(s trace.Scope) string {
	switch s {
	case trace.ScopeConn:
		return l.Pick("once per connection", "每个连接一次")
	case trace.ScopeBatch:
		return l.Pick("shared by a batch", "一批请求共用")
	case trace.ScopePeer:
		return l.Pick("another member's work", "由其他成员完成")
	}
	return l.Pick("once per request", "每个请求一次")
}
