package tour

import (
	"slices"
	"sync"

	"glasskv/trace"
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
	Stage  trace.Stage        // None: the catalogue does not know the span, or the stop is a part
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
type Book func(trace.Stage, lang.Lang) (*chapter.Chapter, bool)

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
	s.Stage, _ = trace.StageByName(s.Name)
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
func (w *Tour) Index(s trace.Stage) int {
	if s == trace.None {
		return -1
	}
	return slices.IndexFunc(w.Stops, func(stop Stop) bool { return stop.Stage == s })
}

// Beyond returns a stop at a stage that the request did not pass: it has a chapter
// and source as any other, and no times.
func (w *Tour) Beyond(s trace.Stage) Stop { return Stop{Stage: s, Name: s.String(), book: w.book} }

// Beyond is the method of that name for those who have no tour.
func Beyond(s trace.Stage) Stop { return Stop{Stage: s, Name: s.String(), book: chapter.Of} }
