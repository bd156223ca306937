package page

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
)

// block is a stretch of a stop's text: prose, or source.
type block struct {
	HTML   template.HTML
	Source *sourceView
}

// blocks are what there is to read at a stop.
func (v *visit) blocks() []block {
	if v.symbol != "" {
		return []block{{Source: v.sourceView(chapter.Quote{Symbol: v.symbol, Anchor: v.anchor}, true)}}
	}
	c, ok := v.stop.Chapter(v.lang)
	if !ok {
		return v.fromCatalogue()
	}
	var out []block
	for _, b := range c.Blocks {
		if b.Source != nil {
			out = append(out, block{Source: v.sourceView(*b.Source, false)})
			continue
		}
		out = append(out, block{HTML: v.prose(b.Markdown)})
	}
	return out
}

// fromCatalogue is what is said of a stage that has no chapter, and the function
// that it stands for. A part, or a span that the catalogue does not know, has
// neither.
func (v *visit) fromCatalogue() (out []block) {
	if v.stop.Stage == stages.None {
		return nil
	}
	text := chapter.TextOf(v.stop.Stage, v.lang)
	for _, section := range []struct{ title, text string }{
		{v.lang.Pick("What it is", "它是什么"), text.What},
		{v.lang.Pick("How it is seen", "如何看到它"), text.How},
		{v.lang.Pick("What makes it slow", "什么会使它变慢"), text.Slow},
		{v.lang.Pick("What to do about it", "可以做什么"), text.Do},
	} {
		if section.text != "" {
			out = append(out, block{HTML: v.prose("## " + section.title + "\n\n" + section.text)})
		}
	}
	for _, q := range v.stop.Quotes(v.lang) {
		out = append(out, block{Source: v.sourceView(q, false)})
	}
	return out
}

// markdown makes HTML of a chapter's prose. HTML in the prose itself is left out.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table),
	goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(fitting{}, 100))),
)

// visitKey is where the transformer finds for whom the prose is made.
var visitKey = parser.NewContextKey()

// prose makes HTML of Markdown.
func (v *visit) prose(md string) template.HTML {
	pc := parser.NewContext()
	pc.Set(visitKey, v)
	var out bytes.Buffer
	if err := markdown.Convert([]byte(md), &out, parser.WithContext(pc)); err != nil {
		return template.HTML(template.HTMLEscapeString(md)) // a buffer takes everything
	}
	return template.HTML(out.String()) // goldmark escapes text, and leaves raw HTML out
}

// fitting makes prose fit into the page: its headings stand below that of the stop,
// and what names another stage leads to it.
type fitting struct{}

// Transform is called by goldmark for every piece of prose.
func (fitting) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
	v, ok := pc.Get(visitKey).(*visit)
	if !ok {
		return
	}
	var named []*ast.CodeSpan
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level++
		case *ast.Link:
			n.Destination = []byte(v.follow(string(n.Destination)))
			return ast.WalkSkipChildren, nil
		case *ast.CodeSpan:
			named = append(named, n)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return // the function above returns none
	}
	for _, code := range named {
		v.link(code, reader.Source())
	}
}

// follow turns a link to a chapter's file into one to its stop.
func (v *visit) follow(to string) string {
	if path.Ext(to) != ".md" || strings.Contains(to, "://") {
		return to
	}
	return v.href(chapter.StageOf(to), nil)
}

// link makes the name of another stage a link to it.
func (v *visit) link(code *ast.CodeSpan, src []byte) {
	var name []byte
	for c := code.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			name = append(name, t.Segment.Value(src)...)
		}
	}
	stage, known := stages.ByName(string(name))
	if !known || stage == v.stop.Stage {
		return
	}
	to := ast.NewLink()
	to.Destination = []byte(v.href(stage.String(), nil))
	parent := code.Parent()
	parent.ReplaceChild(parent, code, to)
	to.AppendChild(to, code)
}

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

// named reports whether a chapter or the catalogue names a symbol. No other source
// is shown: an address is no way to read files.
func named(symbol string) bool { return symbols()[symbol] }

var symbols = sync.OnceValue(func() map[string]bool {
	all := make(map[string]bool)
	for _, spec := range stages.Specs() {
		all[spec.Upstream.Path()] = true
		for _, next := range spec.Next {
			all[next.Path()] = true
		}
	}
	for _, c := range chapter.All(lang.EN) { // the other language has the same
		for _, b := range c.Blocks {
			if b.Source != nil {
				all[b.Source.Symbol] = true
			}
		}
		for _, j := range c.Jumps {
			all[j.Target] = true
		}
	}
	return all
})
