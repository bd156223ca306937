package check

import (
	"errors"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/source"
)

// resolve looks every symbol and anchor of a chapter up.
func (b *Book) resolve(c *chapter.Chapter, library *source.Library) {
	for _, block := range c.Blocks {
		if q := block.Source; q != nil {
			b.quote(c, block, library)
		}
	}
	for _, jump := range c.Jumps {
		switch jump.Stage {
		case c.Stage:
			b.complain(c, jump.Line, "a jump to the chapter itself")
		case stages.None:
			if _, err := b.lookUp(c, jump.Line, library, jump.Target, ""); err != nil {
				b.complain(c, jump.Line, "%s, which is no stage either", reason(err))
			}
		}
	}
}

// quote looks a source block up and remembers what it shows.
func (b *Book) quote(c *chapter.Chapter, block chapter.Block, library *source.Library) {
	line := block.Line + 1
	e, err := b.lookUp(c, line, library, block.Source.Symbol, block.Source.Anchor)
	if errors.Is(err, source.ErrNoAnchor) {
		line++
	}
	if err != nil {
		b.complain(c, line, "%s", reason(err))
	}
	if e != nil {
		b.Quotes = append(b.Quotes, chapter.Quotation{Stage: c.Stage.String(), Symbol: e.Symbol, Hash: e.Hash, Module: e.Module})
	}
}

func (b *Book) lookUp(c *chapter.Chapter, line int, library *source.Library, symbol, anchor string) (*source.Excerpt, error) {
	if strings.HasPrefix(symbol, "glasskv/") {
		b.complain(c, line, "%s is our own: a chapter shows what we watch, not how", symbol)
		return nil, nil
	}
	return library.Excerpt(symbol, anchor)
}

// reason is an error without the sentinel that stands in front of it.
func reason(err error) string {
	text := err.Error()
	for _, sentinel := range []error{source.ErrNoAnchor} {
		text = strings.TrimPrefix(text, sentinel.Error()+": ")
	}
	return text
}
