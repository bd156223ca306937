package page

import (
	"bytes"
	"html/template"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
)

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
	stage, known := trace.StageByName(string(name))
	if !known || stage == v.stop.Stage {
		return
	}
	to := ast.NewLink()
	to.Destination = []byte(v.href(stage.String(), nil))
	parent := code.Parent()
	parent.ReplaceChild(parent, code, to)
	to.AppendChild(to, code)
}
