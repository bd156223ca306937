package page

import (
	"errors"
	"fmt"
	"html/template"
	"strconv"
	"strings"

	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
)

// mostLines is how much of a declaration stands in a chapter.
const mostLines = 26

// sourceView is a place in upstream's source, as the template "source" shows it.
type sourceView struct {
	Symbol, File, Module string
	First                int
	Spoken, Marked       string
	Whole                *namedLink // to all of it; nil where all of it is shown
	Code                 template.HTML
	Missing              string // why there is no code
}

// sourceView cuts a place out; all of it with whole.
func (v *visit) sourceView(q chapter.Quote, whole bool) *sourceView {
	out := &sourceView{Symbol: short(q.Symbol)}
	e, err := v.t.Excerpt(q)
	if e == nil {
		out.Missing = v.missing(err)
		return out
	}
	out.File, out.Module, out.First = e.Name, e.Module, e.First
	out.Spoken = v.lang.Say("source of %s", "%s 的源码", out.Symbol)
	if e.MarkFirst > 0 {
		out.Marked = v.lang.Say("marked: lines %d to %d", "标出的是第 %d 到 %d 行", e.MarkFirst, e.MarkLast)
	}
	lines := e.Lines
	if !whole {
		lines = e.Around(mostLines)
	}
	if len(lines) < len(e.Lines) {
		out.Whole = &namedLink{
			v.source(v.slug, q.Symbol, q.Anchor),
			v.lang.Say("all %d lines", "全部 %d 行", len(e.Lines)),
		}
	}
	out.Code = codeHTML(lines)
	return out
}

// missing says why there is no source, and what to do about it.
func (v *visit) missing(err error) string {
	var not *source.NotHereError
	if errors.As(err, &not) && not.Command != "" {
		return v.lang.Say("The source of %s is not on this disk. Run: %s", "本机磁盘上没有 %s 的源码。请运行：%s", not.Module, not.Command)
	}
	return screen.Escape(fmt.Sprint(err))
}

// short leaves out the import path except for the package's name.
func short(symbol string) string {
	head, rest := symbol, ""
	if at := strings.IndexByte(symbol, '('); at >= 0 {
		head, rest = symbol[:at], symbol[at:]
	}
	parts := strings.Split(head, "/")
	last := len(parts) - 1
	if name, after, ok := strings.Cut(parts[last], "."); ok && last > 0 && isVersion(name) {
		return parts[last-1] + "." + after + rest
	}
	return parts[last] + rest
}

// isVersion tells "v3" from "v3rpc".
func isVersion(element string) bool {
	digits, ok := strings.CutPrefix(element, "v")
	_, err := strconv.Atoi(digits)
	return ok && err == nil
}

// tokenClasses are the colours; what is not in it has none.
var tokenClasses = map[source.Kind]string{
	source.Keyword: "t-keyword", source.String: "t-string", source.Number: "t-number",
	source.Comment: "t-comment", source.Builtin: "t-number", source.Func: "t-name",
}

// codeHTML writes lines with their numbers, which are not text: who copies code
// gets the code alone.
func codeHTML(lines []source.Line) template.HTML {
	var b strings.Builder
	for _, l := range source.Expand(lines, tabWidth) {
		switch {
		case l.Number == 0:
			b.WriteString(`<span class="line gap" data-n="">`)
		case l.Marked:
			b.WriteString(`<span class="line marked" data-n="` + strconv.Itoa(l.Number) + `">`)
		default:
			b.WriteString(`<span class="line" data-n="` + strconv.Itoa(l.Number) + `">`)
		}
		for _, t := range l.Tokens {
			text := template.HTMLEscapeString(t.Text)
			if c := tokenClasses[t.Kind]; c != "" {
				text = `<span class="` + c + `">` + text + `</span>`
			}
			b.WriteString(text)
		}
		b.WriteString("\n</span>")
	}
	return template.HTML(b.String()) // every piece of text in it is escaped above
}

const tabWidth = 4
