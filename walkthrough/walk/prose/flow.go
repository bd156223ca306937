package prose

import (
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/util"

	"glasskv/walkthrough/screen"
)

// flow gathers the inline content of a block. Role is that of its plain words.
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
			// It says nothing to a reader of a terminal.
		default:
			r.inline(f, n, role)
		}
	}
}

// words are a text's, with its backslashes undone where they stand before a mark.
func (r *renderer) words(n *ast.Text) string {
	words := n.Segment.Value(r.source)
	if n.Parent().Kind() != ast.KindCodeSpan {
		words = util.UnescapePunctuations(words)
	}
	return screen.Escape(string(words))
}

// lineEnd makes a line's end in the Markdown a blank, except between Chinese
// characters, which have none between them.
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
