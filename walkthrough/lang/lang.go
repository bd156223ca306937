// Package lang selects the reader's language and the texts in it.
//
// There is no table of messages. The code that prints a sentence holds it in both
// languages, side by side, so that they are changed together.
package lang

import (
	"fmt"
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

// Parse returns the language named by the value of a --lang flag, "en" or "zh". Any
// other value is an error.
func Parse(s string) (Lang, error) {
	switch l := Lang(s); l {
	case EN, ZH:
		return l, nil
	}
	return EN, fmt.Errorf("language %q: want en or zh", s)
}

// FromEnv returns the language of the locale: the first of LC_ALL, LC_MESSAGES and
// LANG that is set decides, as in POSIX. getenv returns the value of a variable.
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
