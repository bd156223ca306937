// Package prose turns a chapter's Markdown into lines for a terminal: wrapped to a
// width, Chinese broken where it may break, painted with the roles of package
// screen. What takes away the colours leaves text that reads as well.
//
//	prose.go  the blocks: paragraphs, lists, quotations, code
//	flow.go   a paragraph: words with their roles
//	table.go  tables
package prose

import (
	"strconv"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tableast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"glasskv/walkthrough/screen"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

// Lines renders Markdown into lines of at most width columns, a code block's lines
// shortened to it. Between two blocks stands an empty line; there is none at either
// end.
func Lines(source string, width int) []string {
	r := &renderer{source: []byte(source)}
	document := markdown.Parser().Parse(text.NewReader(r.source))
	return r.blocks(document, max(width, leastWidth))
}

// leastWidth keeps deep lists in a narrow pane from having no room at all.
const leastWidth = 16

type renderer struct{ source []byte }

// blocks renders a node's children one below the other. The items of a tight list
// have no empty line between them.
func (r *renderer) blocks(parent ast.Node, width int) (lines []string) {
	list, isList := parent.(*ast.List)
	tight := isList && list.IsTight || parent.Kind() == ast.KindListItem
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		block := r.block(n, width)
		if len(block) == 0 {
			continue
		}
		if len(lines) > 0 && !tight {
			lines = append(lines, "")
		}
		lines = append(lines, block...)
	}
	return lines
}

func (r *renderer) block(n ast.Node, width int) []string {
	switch n := n.(type) {
	case *ast.Heading:
		return r.heading(n, width)
	case *ast.Paragraph, *ast.TextBlock:
		return r.flow(n, screen.Plain).Wrap(width)
	case *ast.List:
		return r.list(n, width)
	case *ast.Blockquote:
		return indent(r.blocks(n, width-2), screen.Dim.Paint("│ "), screen.Dim.Paint("│ "))
	case *ast.FencedCodeBlock, *ast.CodeBlock:
		return r.code(n, width)
	case *ast.ThematicBreak:
		return []string{screen.Dim.Paint(strings.Repeat("─", width))}
	case *ast.HTMLBlock:
		return nil
	case *tableast.Table:
		return r.table(n, width)
	}
	return r.blocks(n, width)
}

// heading keeps its sign: without colours nothing else would tell it from a
// sentence.
func (r *renderer) heading(n *ast.Heading, width int) []string {
	var f screen.Runs
	f.Add(strings.Repeat("#", n.Level)+" ", screen.Dim)
	r.inline(&f, n, screen.Strong)
	return f.Wrap(width)
}

func (r *renderer) list(list *ast.List, width int) (lines []string) {
	number := list.Start
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "• "
		if list.IsOrdered() {
			mark = strconv.Itoa(number) + ". "
			number++
		}
		hang := screen.Width(mark)
		body := indent(r.blocks(item, width-hang), mark, screen.Blank(hang))
		if len(lines) > 0 && !list.IsTight {
			lines = append(lines, "")
		}
		lines = append(lines, body...)
	}
	return lines
}

// code shows lines as they are. They are never broken, for that would change what
// they say.
func (r *renderer) code(n ast.Node, width int) (out []string) {
	segments := n.Lines()
	for i := range segments.Len() {
		segment := segments.At(i)
		line := strings.TrimRight(string(segment.Value(r.source)), "\n")
		line = screen.Escape(strings.ReplaceAll(line, "\t", "    "))
		out = append(out, "  "+screen.Code.Paint(screen.Cut(line, width-2)))
	}
	return out
}

func indent(lines []string, first, others string) []string {
	for i := range lines {
		if i == 0 {
			lines[i] = first + lines[i]
		} else {
			lines[i] = others + lines[i]
		}
	}
	return lines
}
