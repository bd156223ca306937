// Package tour divides one request into stops, and finds for each stop its chapter, the
// source that did the work, and the stops to go to next. The terminal and the web page
// are two views of a tour.
//
//	tour.go  the stops of a timeline
//	live.go  makes requests, on a server of its own or on a running one
//
// A tour is cheap to make: chapters are parsed and excerpts of source are read on
// first use, and kept.
package tour

import (
	"slices"
	"strings"
	"sync"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/timeline"
)

// Tour is one request as a sequence of stops. Its methods may be called by any number
// of goroutines at once. Its fields must not be changed.
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
	Name   string             // the span's name as it was recorded; the caller must escape it for a screen
	Row    *trace.StageTime   // the first of Times; nil if there is none
	Times  []*trace.StageTime // empty for a part, and for a stage that the request did not pass
	Part   *trace.Part        // a request that the server made itself; nil for a stage
	Depth  int                // levels below the top of the tree
	Took   int64              // how long it was under way, the sum of Times, in nanoseconds
	Waits  []trace.LedgerRow  // the times in which the request waited in this stop, from the ledger
	Waited int64              // the sum of Waits, in nanoseconds

	entry timeline.Entry
	book  Book
}

// Book returns the chapter about a stage in a language, and false if it has none.
type Book func(stages.Stage, lang.Lang) (*chapter.Chapter, bool)

// New returns the tour of a timeline, which must not be changed afterwards. Many tours
// may share a library.
func New(t *trace.Timeline, library *source.Library) *Tour {
	return NewWithBook(t, library, chapter.Of)
}

// NewWithBook is New with the chapters of book.
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

// appendWaits appends the rows of a stage's ledger, cut to the interval of st. The rows
// are sorted and do not overlap. The first one is found by binary search, because a
// trace of another program may have very many.
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

// Unexplained returns how much of the request's time no stage accounts for, in
// nanoseconds.
func (w *Tour) Unexplained() (ns int64) {
	for _, r := range w.Timeline.Ledger {
		if r.Stage == trace.Unexplained {
			ns += r.EndNS - r.BeginNS
		}
	}
	return ns
}

// Index returns the index of the first stop at a stage, or -1 if the request did not
// pass it.
func (w *Tour) Index(s stages.Stage) int {
	if s == stages.None {
		return -1
	}
	return slices.IndexFunc(w.Stops, func(stop Stop) bool { return stop.Stage == s })
}

// Beyond returns a stop at a stage that the request did not pass. Like any stop it may
// have a chapter and source; it has no times.
func (w *Tour) Beyond(s stages.Stage) Stop { return Stop{Stage: s, Name: s.String(), book: w.book} }

// Beyond returns what Tour.Beyond returns, with the chapters of this binary.
func Beyond(s stages.Stage) Stop { return Stop{Stage: s, Name: s.String(), book: chapter.Of} }

// Chapter returns the chapter about a stop's stage. It returns false for a part, and for
// a span that the catalogue does not know.
func (s *Stop) Chapter(l lang.Lang) (*chapter.Chapter, bool) {
	if s.Stage == stages.None || s.book == nil {
		return nil, false
	}
	return s.book(s.Stage, l)
}

// Labels returns remarks on a stop besides its times, such as how many requests shared
// the stage or that it had not ended. Text that a client sent is escaped.
func (w *Tour) Labels(s *Stop, l lang.Lang) []string { return s.entry.Labels(w.Timeline, l) }

// Missing says why the request did not pass a stage; it returns "" if that is unknown.
func (w *Tour) Missing(s stages.Stage, l lang.Lang) string {
	for _, n := range w.Timeline.NotReached {
		if n.Stage == s.String() {
			return timeline.Why(n.Why, l)
		}
	}
	return ""
}

// Quotes returns the pieces of upstream's source that the chapter quotes, in its order.
// If there is no chapter or it quotes nothing, the stage's upstream function is returned.
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

// Excerpt returns a piece of source. The error is the library's; if the source is not on
// this disk, it says what to run. The first call for a quote parses upstream's file,
// which may take some tens of milliseconds; later ones return at once.
func (w *Tour) Excerpt(q chapter.Quote) (*source.Excerpt, error) {
	cut, ok := w.cuts.Load(q)
	if !ok {
		cut, _ = w.cuts.LoadOrStore(q, sync.OnceValues(func() (*source.Excerpt, error) {
			return w.library.Excerpt(q.Symbol, q.Anchor)
		}))
	}
	return cut.(func() (*source.Excerpt, error))() //nolint:forcetypeassert // nothing else is stored
}

// Jump leads from a stop to a stop of this tour (Stop), to a stage that the request did
// not pass (Stage), or to a function that belongs to no stage (Symbol).
type Jump struct {
	Kind   chapter.JumpKind
	Note   string       // in the reader's language; may be empty
	Stop   int          // -1 if it leads to none
	Stage  stages.Stage // also set if it leads to a stop; None for a symbol
	Symbol string
}

// Name returns the stage or the symbol that the jump leads to.
func (j *Jump) Name() string {
	if j.Stage != stages.None {
		return j.Stage.String()
	}
	return j.Symbol
}

// Jumps returns the jumps from a stop, in the chapter's order. Without a chapter, they
// lead to the functions that the catalogue says to read next.
func (w *Tour) Jumps(s *Stop, l lang.Lang) []Jump {
	c, ok := s.Chapter(l)
	if !ok {
		var out []Jump
		for _, symbol := range stages.SpecOf(s.Stage).Next {
			out = append(out, Jump{Kind: chapter.Callee, Stop: -1, Symbol: symbol.Path()})
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

// ShortName returns a symbol with its package's name instead of the import path:
// "go.etcd.io/raft/v3.(*node).run" becomes "raft.(*node).run".
func ShortName(symbol string) string {
	head, _, _ := strings.Cut(symbol, "(") // a receiver may have a path of its own
	at := strings.LastIndexByte(head, '/') + 1
	dot := strings.IndexByte(symbol[at:], '.')
	if dot < 0 {
		return symbol
	}
	return stages.Symbol{Package: symbol[:at+dot], Name: symbol[at+dot+1:]}.String()
}
