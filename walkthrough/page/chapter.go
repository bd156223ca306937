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
	"glasskv/walkthrough/walk/tour"
)

// block is a part of a stop's text: either prose or source.
type block struct {
	HTML   template.HTML
	Source *sourceView
}

// blocks returns the text of a stop.
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

// fromCatalogue returns what the catalogue says about a stage without a chapter, and its
// upstream function. It returns nothing for a part, and for a span that the catalogue does
// not know.
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

// markdown renders a chapter's prose as HTML. It leaves out HTML in the prose.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.Table),
	goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(fitToPage{}, 100))),
)

// visitKey is the key of the visit in the parser's context.
var visitKey = parser.NewContextKey()

// prose renders Markdown as HTML.
func (v *visit) prose(md string) template.HTML {
	pc := parser.NewContext()
	pc.Set(visitKey, v)
	var out bytes.Buffer
	if err := markdown.Convert([]byte(md), &out, parser.WithContext(pc)); err != nil {
		return template.HTML(template.HTMLEscapeString(md)) // does not happen: a buffer takes everything
	}
	return template.HTML(out.String()) // goldmark escapes text, and leaves raw HTML out
}

// fitToPage adapts prose to the page: it moves headings one level down, below the stop's,
// and makes the names of other stages links.
type fitToPage struct{}

// Transform implements parser.ASTTransformer.
func (fitToPage) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
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
			n.Destination = []byte(v.linkTarget(string(n.Destination)))
			return ast.WalkSkipChildren, nil
		case *ast.CodeSpan:
			named = append(named, n)
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		return // the function above returns no error
	}
	for _, code := range named {
		v.linkStage(code, reader.Source())
	}
}

// linkTarget replaces the address of a chapter's file by that of its stop.
func (v *visit) linkTarget(to string) string {
	if path.Ext(to) != ".md" || strings.Contains(to, "://") {
		return to
	}
	return v.href(chapter.StageOf(to), nil)
}

// linkStage makes code a link if it is the name of another stage.
func (v *visit) linkStage(code *ast.CodeSpan, src []byte) {
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

// mostLines limits how many lines of a declaration are shown in a chapter.
const mostLines = 26

// sourceView is the data of the template "source": a piece of upstream's source.
type sourceView struct {
	Symbol, File, Module string
	First                int
	Spoken, Marked       string
	Whole                *namedLink // to the whole declaration; nil if it is shown already
	Code                 template.HTML
	Missing              string // why Code is empty
}

// sourceView returns the source that a chapter quotes, or the whole declaration.
func (v *visit) sourceView(q chapter.Quote, whole bool) *sourceView {
	out := &sourceView{Symbol: tour.ShortName(q.Symbol)}
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

// tokenClasses maps kinds of tokens to the CSS classes with their colours.
var tokenClasses = map[source.Kind]string{
	source.Keyword: "t-keyword", source.String: "t-string", source.Number: "t-number",
	source.Comment: "t-comment", source.Builtin: "t-number", source.Func: "t-name",
}

// codeHTML renders lines of source. The style draws their numbers, so that they are not
// copied with the code.
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
	return template.HTML(b.String()) // the tokens' text is escaped above
}

const tabWidth = 4

// isNamed reports whether a chapter or the catalogue names a symbol. The page shows no
// other source, so that no address reads arbitrary files.
func isNamed(symbol string) bool { return symbols()[symbol] }

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
