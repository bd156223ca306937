package walk

import (
	"context"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/stages"
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
	making   bool               // a request is on its way
	control  control.Controller // of the server that requests are made on; nil if they cannot be held
	first    stages.Stage       // where the walk begins; None: at its first stop
	tour     *tour.Tour         // nil until a request is chosen

	at     place
	back   []place
	focus  paneName
	zoom   bool    // the source has the whole screen
	over   *picker // lies over the panes; nil: nothing does
	help   bool    // the keys lie over everything
	status string  // said once, in place of the keys

	held     *held // a request that stands still, in place of the panes; nil: none
	awaiting bool  // awaitHeld is under way
	lastHold int   // the ID of the hold that was shown last; 0 before the first

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
	stage stages.Stage
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
	if m.first == stages.None {
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

// place is where the reader is: at a stop of the tour, at a stage beyond it, or, from
// either of them, at a piece of source that a jump led to.
type place struct {
	stop       int          // -1 beyond the tour
	beyond     stages.Stage // None at a stop
	symbol     string       // the piece of source that a jump led to; "" for the stop's own
	quote      int          // which of the stop's places in the source is shown
	chapterTop int          // the first line of the chapter that is shown
	sourceTop  int          // the first line of the source; follow: where the mark is
}

// follow as the first line of the source shows what is marked.
const follow = -1

// mostBack bounds how far one can go back.
const mostBack = 1000

func at(stop int) place             { return place{stop: stop, sourceTop: follow} }
func beyond(s stages.Stage) place   { return place{stop: -1, beyond: s, sourceTop: follow} }
func (p place) to(sym string) place { p.symbol, p.sourceTop = sym, follow; return p }

// stop returns what is at the place where the reader is.
func (m *model) stop() *tour.Stop {
	if m.at.stop >= 0 && m.at.stop < len(m.tour.Stops) {
		return &m.tour.Stops[m.at.stop]
	}
	s := m.tour.Beyond(m.at.beyond)
	return &s
}

// quotes are the places in the source that can be shown here.
func (m *model) quotes() []chapter.Quote {
	if m.at.symbol != "" {
		return []chapter.Quote{{Symbol: m.at.symbol}}
	}
	return m.stop().Quotes(m.lang)
}

// quote is the one that is shown; false when there is none.
func (m *model) quote() (chapter.Quote, bool) {
	all := m.quotes()
	if len(all) == 0 {
		return chapter.Quote{}, false
	}
	return all[min(m.at.quote, len(all)-1)], true
}

// visit goes to a place and remembers the one it came from.
func (m *model) visit(p place) {
	if len(m.back) == mostBack {
		m.back = m.back[1:]
	}
	m.back = append(m.back, m.at)
	m.at, m.status = p, ""
}

// step goes along the path. From beyond the tour, and from a piece of source, it goes
// on from the stop that one had left.
func (m *model) step(by int) {
	from := m.at.stop
	for i := len(m.back) - 1; i >= 0 && from < 0; i-- {
		from = m.back[i].stop
	}
	to := min(max(from+by, 0), len(m.tour.Stops)-1)
	if to == m.at.stop && m.at.symbol == "" {
		m.status = m.lang.Pick("the request's path ends here", "请求的路径到此为止")
		return
	}
	m.visit(at(to))
}

// goBack returns to where the reader was before.
func (m *model) goBack() {
	last := len(m.back) - 1
	if last < 0 {
		m.status = m.lang.Pick("this is where the walk began", "这里就是出发的地方")
		return
	}
	m.at, m.back, m.status = m.back[last], m.back[:last], ""
}

// follow goes where a jump leads.
func (m *model) follow(j tour.Jump) {
	switch {
	case j.Symbol != "":
		m.visit(m.at.to(j.Symbol))
		m.focus = onSource
	case j.Stop >= 0:
		m.visit(at(j.Stop))
	default:
		m.visit(beyond(j.Stage))
	}
}

// goTo goes to a stage, on the tour or beyond it.
func (m *model) goTo(s stages.Stage) {
	if i := m.tour.Index(s); i >= 0 {
		m.visit(at(i))
		return
	}
	m.visit(beyond(s))
}

// cutMsg brings a piece of source that was asked for.
type cutMsg struct {
	quote chapter.Quote
	cut   *cut
}

// madeMsg brings a request that was made again.
type madeMsg struct {
	timeline *trace.Timeline
	err      error
}

// Update takes a message. What it changes is shown at the next View.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.forget()
	case cutMsg:
		m.cuts[msg.quote] = msg.cut
		return m, nil
	case madeMsg:
		m.made(msg)
	case callsMsg:
		m.called(msg)
	case heldMsg:
		m.stands(msg)
	case wentOnMsg:
		if msg.err != nil {
			m.status = screen.Escape(msg.err.Error())
		}
	case tea.PasteMsg:
		if m.over != nil {
			line, _, _ := strings.Cut(msg.Content, "\n")
			m.over.look(m.over.typed + line)
		}
	case tea.KeyPressMsg:
		if cmd := m.press(msg); cmd != nil {
			return m, tea.Batch(cmd, m.look())
		}
	}
	look := m.look()
	return m, look
}

// press gives a key to what lies on top. Ctrl-C always ends the walk.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	m.status = ""
	switch {
	case msg.String() == "ctrl+c":
		return tea.Quit
	case m.help:
		m.help = false
		return nil
	case m.held != nil:
		return m.pressHeld(msg.String())
	case m.over != nil:
		return m.pressPicker(msg)
	}
	for i := range bindings {
		if b := &bindings[i]; slices.Contains(b.keys, msg.String()) {
			return b.do(m)
		}
	}
	m.status = m.lang.Say("no key %s; ? lists the keys", "没有 %s 这个键；按 ? 查看所有按键", msg.String())
	return nil
}

// look asks for the source of the place, and for that of its neighbours on the path,
// so that it is there when the reader goes on.
func (m *model) look() tea.Cmd {
	if m.tour == nil {
		return nil
	}
	var cmds []tea.Cmd
	if q, ok := m.quote(); ok {
		cmds = append(cmds, m.cut(q))
	}
	for _, q := range m.quotes() {
		cmds = append(cmds, m.cut(q))
	}
	for _, i := range []int{m.at.stop + 1, m.at.stop - 1} {
		if m.at.stop >= 0 && i >= 0 && i < len(m.tour.Stops) {
			if all := m.tour.Stops[i].Quotes(m.lang); len(all) > 0 {
				cmds = append(cmds, m.cut(all[0]))
			}
		}
	}
	cmds = slices.DeleteFunc(cmds, func(c tea.Cmd) bool { return c == nil })
	return tea.Batch(cmds...)
}

// cut returns the command that reads a piece of source; nil when it was asked for
// before. A nil cut in the table stands for one that is on its way.
func (m *model) cut(q chapter.Quote) tea.Cmd {
	if _, asked := m.cuts[q]; asked {
		return nil
	}
	m.cuts[q] = nil
	t := m.tour
	return func() tea.Msg {
		e, err := t.Excerpt(q)
		return cutMsg{q, &cut{e, err}}
	}
}

// makeAgain makes the request once more.
func (m *model) makeAgain() tea.Cmd {
	if m.again == nil {
		m.status = m.lang.Pick("this request cannot be made again: it comes from elsewhere", "这个请求来自别处，不能在这里重做")
		return nil
	}
	if !m.startMaking() {
		return nil
	}
	m.status = m.lang.Pick("making the request …", "正在发出请求 …")
	return func() tea.Msg {
		t, err := m.again(m.ctx)
		return madeMsg{t, err}
	}
}

// startMaking lets one request be made at a time: a second one might be held while the
// reader looks at the first, and nobody would let it go on. It reports whether this
// one may be made.
func (m *model) startMaking() bool {
	if m.making {
		m.status = m.lang.Pick("a request is being made already", "已经有一个请求正在发出")
		return false
	}
	m.making = true
	return true
}

// made shows a new request where the reader was in the one before.
func (m *model) made(msg madeMsg) {
	m.making, m.held = false, nil
	if msg.err != nil {
		m.status = missing(msg.err, m.lang)
		return
	}
	m.requests = append(m.requests, msg.timeline)
	m.first = m.stop().Stage
	m.begin(msg.timeline)
	title, _, took := headline(msg.timeline, m.lang)
	m.status = m.lang.Say("%s, made again: %s; r lists the requests", "%s 重做了一次：%s；按 r 列出所有请求", title, took)
}
