// Package tour is the walk through one request, apart from how it is shown: the
// stops in their order, and what is to be seen at each of them. The terminal and
// the page are two views of it.
//
//	tour.go  the stops of a timeline; of each its chapter, the source, where one can go
//	live.go  a request that is made now, on a server of one's own or another
//
// A tour is cheap to make. Chapters are parsed and source is cut when they are
// looked at, and kept.
package tour

import (
	"slices"
	"sync"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/timeline"
)

// Tour is one request as a row of stops. Its methods may be called by any number
// of goroutines; nobody changes its fields.
type Tour struct {
	Timeline *trace.Timeline
	Stops    []Stop

	library *source.Library
	book    Book
	cuts    sync.Map // chapter.Quote → func() (*source.Excerpt, error)
}

// Stop is one stage of the request, or several of one name inside one parent.
type Stop struct {
	Stage  stages.Stage       // None: the catalogue does not know the span, or the stop is a part
	Name   string             // the span's name, as it was recorded; escape it before it is shown
	Row    *trace.StageTime   // the first of Times; nil where there is none
	Times  []*trace.StageTime // empty for a part, and for a stage that the request did not pass
	Part   *trace.Part        // a request that the server made itself; nil for a stage
	Depth  int                // levels below the top of the tree
	Took   int64              // nanoseconds that it was under way, all times together
	Waits  []trace.LedgerRow  // the pieces of the ledger that fell to it: the request waited in it
	Waited int64              // their sum, in nanoseconds

	entry timeline.Entry
	book  Book
}

// Book finds the chapter about a stage in a language; false when there is none.
type Book func(stages.Stage, lang.Lang) (*chapter.Chapter, bool)

// New makes a tour of a timeline, which must not be changed afterwards. Many tours
// may share a library.
func New(t *trace.Timeline, library *source.Library) *Tour {
	return NewWithBook(t, library, chapter.Of)
}

// NewWithBook is New with chapters of one's own.
func NewWithBook(t *trace.Timeline, library *source.Library, book Book) *Tour {
	w := &Tour{Timeline: t, library: library, book: book}
	ledger := make(map[string][]trace.LedgerRow)
	for _, row := range t.Ledger {
		ledger[row.Stage] = append(ledger[row.Stage], row)
	}
	entries := timeline.Outline(t)
	w.Stops = make([]Stop, 0, len(entries))
	for _, e := range entries {
		s := stopOf(e, ledger)
		s.book = book
		w.Stops = append(w.Stops, s)
	}
	return w
}

func stopOf(e timeline.Entry, ledger map[string][]trace.LedgerRow) Stop {
	s := Stop{Times: e.Times, Part: e.Part, Depth: e.Depth, entry: e}
	if e.Part != nil {
		s.Name, s.Took = e.Part.Method, max(0, e.Part.EndNS-e.Part.BeginNS)
		return s
	}
	s.Row = e.Times[0]
	s.Name = s.Row.Stage
	s.Stage, _ = stages.ByName(s.Name)
	for _, st := range e.Times {
		s.Took += st.Took()
		s.Waits = appendWaits(s.Waits, ledger[s.Name], st)
	}
	for _, w := range s.Waits {
		s.Waited += w.EndNS - w.BeginNS
	}
	return s
}

// appendWaits adds the rows of a stage's ledger as far as one stretch of it covers
// them. The rows are in order and do not overlap, so the first is found by halving:
// a trace of another program may have very many.
func appendWaits(out, rows []trace.LedgerRow, st *trace.StageTime) []trace.LedgerRow {
	first, _ := slices.BinarySearchFunc(rows, st.BeginNS, func(r trace.LedgerRow, at int64) int {
		if r.EndNS <= at {
			return -1
		}
		return 1
	})
	for _, r := range rows[first:] {
		if r.BeginNS >= st.EndNS {
			break
		}
		out = append(out, trace.LedgerRow{Stage: r.Stage, BeginNS: max(r.BeginNS, st.BeginNS), EndNS: min(r.EndNS, st.EndNS)})
	}
	return out
}

// Unexplained returns how long no stage accounts for, in nanoseconds.
func (w *Tour) Unexplained() (ns int64) {
	for _, r := range w.Timeline.Ledger {
		if r.Stage == trace.Unexplained {
			ns += r.EndNS - r.BeginNS
		}
	}
	return ns
}

// Index returns the first stop at a stage; -1 when the request did not pass it.
func (w *Tour) Index(s stages.Stage) int {
	if s == stages.None {
		return -1
	}
	return slices.IndexFunc(w.Stops, func(stop Stop) bool { return stop.Stage == s })
}

// Beyond returns a stop at a stage that the request did not pass: it has a chapter
// and source as any other, and no times.
func (w *Tour) Beyond(s stages.Stage) Stop { return Stop{Stage: s, Name: s.String(), book: w.book} }

// Beyond is the method of that name for those who have no tour.
func Beyond(s stages.Stage) Stop { return Stop{Stage: s, Name: s.String(), book: chapter.Of} }

// Chapter returns the chapter about a stop's stage. There is none about a part, or
// a span that the catalogue does not know.
func (s *Stop) Chapter(l lang.Lang) (*chapter.Chapter, bool) {
	if s.Stage == stages.None || s.book == nil {
		return nil, false
	}
	return s.book(s.Stage, l)
}

// Labels says what has to be said of a stop beside its times: with how many the
// stage was shared, that it had not ended. What a client sent is escaped.
func (w *Tour) Labels(s *Stop, l lang.Lang) []string { return s.entry.Labels(w.Timeline, l) }

// Missing says why the request did not pass a stage; "" when nobody knows.
func (w *Tour) Missing(s stages.Stage, l lang.Lang) string {
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
	if symbol := stages.SpecOf(s.Stage).Upstream; len(out) == 0 && symbol.Name != "" {
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
	Note   string       // in the reader's language; may be empty
	Stop   int          // -1 where it leads to none
	Stage  stages.Stage // of the stop as well; None for a symbol
	Symbol string
}

// Name names where the jump leads.
func (j *Jump) Name() string {
	if j.Stage != stages.None {
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
		for _, symbol := range stages.SpecOf(s.Stage).Next {
			out = append(out, Jump{Kind: chapter.Callee, Stop: -1, Symbol: symbol})
		}
		return out
	}
	out := make([]Jump, 0, len(c.Jumps))
	for _, j := range c.Jumps {
		jump := Jump{Kind: j.Kind, Note: j.Note, Stage: j.Stage, Stop: w.Index(j.Stage)}
		if j.Stage == stages.None {
			jump.Symbol = j.Target
		}
		out = append(out, jump)
	}
	return out
}
