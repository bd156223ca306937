package page

import (
	"html/template"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
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
	if v.stop.Stage == trace.None {
		return nil
	}
	text := v.lang.Text(trace.SpecOf(v.stop.Stage))
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
