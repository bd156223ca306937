package tour

import (
	"sync"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/timeline"
)

// Chapter returns the chapter about a stop's stage. There is none about a part, or
// a span that the catalogue does not know.
func (s *Stop) Chapter(l lang.Lang) (*chapter.Chapter, bool) {
	if s.Stage == trace.None || s.book == nil {
		return nil, false
	}
	return s.book(s.Stage, l)
}

// Labels says what has to be said of a stop beside its times: with how many the
// stage was shared, that it had not ended. What a client sent is escaped.
func (w *Tour) Labels(s *Stop, l lang.Lang) []string { return s.entry.Labels(w.Timeline, l) }

// Missing says why the request did not pass a stage; "" when nobody knows.
func (w *Tour) Missing(s trace.Stage, l lang.Lang) string {
	for _, n := range w.Timeline.NotReached {
		if n.Stage == s.String() {
			return timeline.Why(n.Why, l)
		}
	}
	return ""
}

// Quotes returns the places in upstream's source that belong to a stop, in the
// chapter's order. A stage without a chapter has the function that it stands for.
func (s *Stop) Quotes(l lang.Lang) []chapter.Quote {
	var out []chapter.Quote
	if c, ok := s.Chapter(l); ok {
		for _, b := range c.Blocks {
			if b.Source != nil {
				out = append(out, *b.Source)
			}
		}
	}
	if symbol := trace.SpecOf(s.Stage).Upstream; len(out) == 0 && symbol.Name != "" {
		out = append(out, chapter.Quote{Symbol: symbol.Package + "." + symbol.Name})
	}
	return out
}

// Excerpt returns the source at a place. The error is the library's: it says what
// to run where the source is not on this disk. The first call for a place may take
// some tens of milliseconds, for upstream's file is parsed; later ones take none.
func (w *Tour) Excerpt(q chapter.Quote) (*source.Excerpt, error) {
	cut, ok := w.cuts.Load(q)
	if !ok {
		cut, _ = w.cuts.LoadOrStore(q, sync.OnceValues(func() (*source.Excerpt, error) {
			return w.library.Excerpt(q.Symbol, q.Anchor)
		}))
	}
	return cut.(func() (*source.Excerpt, error))() //nolint:forcetypeassert // nothing else is stored
}

// Jump is a way to go on from a stop. One of Stop, Stage and Symbol says where it
// leads: to a stop of this tour, to a stage that the request did not pass, or to a
// place in the source that no stage stands for.
type Jump struct {
	Kind   chapter.JumpKind
	Note   string      // in the reader's language; may be empty
	Stop   int         // -1 where it leads to none
	Stage  trace.Stage // of the stop as well; None for a symbol
	Symbol string
}

// Name names where the jump leads.
func (j *Jump) Name() string {
	if j.Stage != trace.None {
		return j.Stage.String()
	}
	return j.Symbol
}

// Jumps returns the ways to go on from a stop, in the chapter's order. Where there
// is no chapter, the catalogue's advice on what to read next takes its place.
func (w *Tour) Jumps(s *Stop, l lang.Lang) []Jump {
	c, ok := s.Chapter(l)
	if !ok {
		var out []Jump
		for _, symbol := range trace.SpecOf(s.Stage).Next {
			out = append(out, Jump{Kind: chapter.Callee, Stop: -1, Symbol: symbol})
		}
		return out
	}
	out := make([]Jump, 0, len(c.Jumps))
	for _, j := range c.Jumps {
		jump := Jump{Kind: j.Kind, Note: j.Note, Stage: j.Stage, Stop: w.Index(j.Stage)}
		if j.Stage == trace.None {
			jump.Symbol = j.Target
		}
		out = append(out, jump)
	}
	return out
}
