package walk

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/tour"
)

// paneName names a part of the screen that scrolls.
type paneName int

const (
	onChapter paneName = iota
	onSource
)

// model is what the screen shows. Only bubbletea's own goroutine touches it; what
// takes long is done by commands, whose results come back as messages.
type model struct {
	ctx     context.Context // of the commands
	library *source.Library
	book    tour.Book
	lang    lang.Lang
	ascii   bool // the terminal has poor fonts
	width   int
	height  int

	requests []*trace.Timeline // to choose from
	again    func(context.Context) (*trace.Timeline, error)
	making   bool        // a request is on its way
	steer    *steer      // nil where nothing can be held
	first    trace.Stage // where the walk begins; None: at its first stop
	tour     *tour.Tour  // nil until a request is chosen

	at     place
	back   []place
	focus  paneName
	zoom   bool    // the source has the whole screen
	over   *picker // lies over the panes; nil: nothing does
	help   bool    // the keys lie over everything
	status string  // said once, in place of the keys

	held     *held // a request that stands still, in place of the panes; nil: none
	awaiting bool  // somebody waits for one

	cuts     map[chapter.Quote]*cut
	chapters map[chapterKey]*page
	sources  map[sourceKey]*page
}

// cut is a piece of source, or why there is none; both where only its anchor is not
// found.
type cut struct {
	excerpt *source.Excerpt
	err     error
}

type chapterKey struct {
	at    int
	stage trace.Stage
	lang  lang.Lang
	width int
}

type sourceKey struct {
	quote chapter.Quote
	lang  lang.Lang // of the remarks above it
	width int
}

// newModel begins with the choice of a request where there are several.
func newModel(ctx context.Context, o *Options, requests []*trace.Timeline) *model {
	screen := o.Show.Screen(nil)
	m := &model{
		ctx: ctx, library: o.Library, book: o.Book, lang: screen.Lang, ascii: screen.ASCII,
		requests: requests, first: o.Stage, cuts: make(map[chapter.Quote]*cut),
	}
	m.forget()
	if len(requests) == 1 {
		m.begin(requests[0])
	} else {
		m.over = m.chooseRequest()
	}
	return m
}

// begin starts the walk through a request.
func (m *model) begin(t *trace.Timeline) {
	m.tour, m.at, m.back, m.over = tour.NewWithBook(t, m.library, m.book), at(0), nil, nil
	m.forget()
	if m.first == trace.None {
		return
	}
	if i := m.tour.Index(m.first); i >= 0 {
		m.at = at(i)
	} else {
		m.at = beyond(m.first)
	}
}

// forget drops what was laid out: for another width, or another request.
func (m *model) forget() {
	m.chapters, m.sources = make(map[chapterKey]*page), make(map[sourceKey]*page)
}

// Init has nothing to begin with: the first size comes as a message.
func (m *model) Init() tea.Cmd { return nil }

// chapter returns the chapter of the place, laid out.
func (m *model) chapter(width int) *page {
	key := chapterKey{m.at.stop, m.at.beyond, m.lang, width}
	p := m.chapters[key]
	if p == nil {
		p = chapterPage(m.tour, m.stop(), m.lang, width)
		m.chapters[key] = p
	}
	return p
}

// source returns the source of the place, laid out, or a word about why there is
// none.
func (m *model) source(width int) (p *page, e *source.Excerpt) {
	q, ok := m.quote()
	if !ok {
		return m.word(m.lang.Pick("No upstream function stands for this.", "这里没有对应的上游函数。"), width), nil
	}
	c := m.cuts[q]
	switch {
	case c == nil:
		return m.word(m.lang.Pick("reading the source …", "正在读取源码 …"), width), nil
	case c.excerpt == nil:
		return m.word(missing(c.err, m.lang), width), nil
	}
	key := sourceKey{q, m.lang, width}
	if p = m.sources[key]; p == nil {
		p = sourcePage(c.excerpt.Lines, width).under(remarks(c.excerpt, c.err, m.lang), width)
		m.sources[key] = p
	}
	return p, c.excerpt
}

func (m *model) word(text string, width int) *page {
	return &page{lines: append([]string{""}, screen.Wrap(text, width)...), mark: -1}
}
