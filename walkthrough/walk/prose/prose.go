// Package prose renders a chapter's Markdown as lines for a terminal: wrapped to a
// width by the rules of Chinese too, and painted with the roles of package screen. The
// text is as readable without the colours.
package prose

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	tableast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"glasskv/walkthrough/screen"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table))

// Lines renders Markdown as lines of at most width columns. Lines of a code block are
// cut, others are wrapped. An empty line separates two blocks.
func Lines(source string, width int) []string {
	r := &renderer{source: []byte(source)}
	document := markdown.Parser().Parse(text.NewReader(r.source))
	return r.blocks(document, max(width, leastWidth))
}

// leastWidth is the least width that Lines renders for, in columns. It leaves room for
// deep lists in a narrow pane.
const leastWidth = 16

type renderer struct{ source []byte }

// blocks renders a node's children one below the other, with an empty line between
// them, except in a tight list.
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

// heading keeps the number signs: without colours nothing else distinguishes a heading
// from a sentence.
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

// code cuts long lines instead of wrapping them, which would change the code.
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

// flow returns the inline content of a block. Role is the role of its plain text.
func (r *renderer) flow(block ast.Node, role screen.Role) *screen.Runs {
	f := &screen.Runs{}
	r.inline(f, block, role)
	return f
}

func (r *renderer) inline(f *screen.Runs, parent ast.Node, role screen.Role) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Text:
			f.Add(r.words(n), role)
			r.lineEnd(f, n, role)
		case *ast.String:
			f.Add(screen.Escape(string(n.Value)), role)
		case *ast.CodeSpan:
			r.inline(f, n, screen.Code)
		case *ast.Emphasis:
			r.inline(f, n, screen.Strong)
		case *ast.AutoLink:
			f.Add(screen.Escape(string(n.URL(r.source))), role)
		case *ast.RawHTML:
			// A terminal cannot show it.
		default:
			r.inline(f, n, role)
		}
	}
}

// words returns a text with its backslash escapes resolved, except in code.
func (r *renderer) words(n *ast.Text) string {
	words := n.Segment.Value(r.source)
	if n.Parent().Kind() != ast.KindCodeSpan {
		words = util.UnescapePunctuations(words)
	}
	return screen.Escape(string(words))
}

// lineEnd turns a line break in the Markdown into a blank, or into nothing between two
// Chinese characters.
func (r *renderer) lineEnd(f *screen.Runs, n *ast.Text, role screen.Role) {
	switch {
	case n.HardLineBreak():
		f.Add("\n", role)
	case n.SoftLineBreak():
		before, _ := utf8.DecodeLastRuneInString(f.Text())
		next, _ := utf8.DecodeRune(r.source[min(n.Segment.Stop+1, len(r.source)):])
		if screen.Width(string(before)) < 2 || screen.Width(string(next)) < 2 {
			f.Add(" ", role)
		}
	}
}

// table renders a table in columns if it fits into width. Otherwise it renders each row
// as a paragraph of its cells.
func (r *renderer) table(t *tableast.Table, width int) (lines []string) {
	var rows [][]*screen.Runs
	var columns []int
	for row := t.FirstChild(); row != nil; row = row.NextSibling() {
		role := screen.Plain
		if row.Kind() == tableast.KindTableHeader {
			role = screen.Strong
		}
		var cells []*screen.Runs
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			f := r.flow(cell, role)
			if i := len(cells); i == len(columns) {
				columns = append(columns, 0)
			}
			columns[len(cells)] = max(columns[len(cells)], screen.Width(f.Text()))
			cells = append(cells, f)
		}
		rows = append(rows, cells)
	}
	total := 2 * (len(columns) - 1)
	for _, c := range columns {
		total += c
	}
	for _, cells := range rows {
		lines = append(lines, rowLines(cells, columns, total <= width, width)...)
	}
	return lines
}

// rowLines renders a row as one line in columns, or as a paragraph if it does not fit.
func rowLines(cells []*screen.Runs, columns []int, fits bool, width int) []string {
	whole := &screen.Runs{}
	var b strings.Builder
	for i, c := range cells {
		text := c.Text()
		b.WriteString(c.Painted())
		if i < len(cells)-1 {
			b.WriteString(screen.Blank(columns[i] - screen.Width(text) + 2))
			text += " · "
		}
		whole.Add(text, screen.Plain)
	}
	if fits {
		return []string{b.String()}
	}
	return whole.Wrap(width)
}
