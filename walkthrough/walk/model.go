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

// paneName names one of the two panes, which scroll.
type paneName int

const (
	onChapter paneName = iota
	onSource
)

// model is the state of the program on a terminal. Only bubbletea's goroutine uses it.
// What takes long runs in commands, on goroutines of their own; their results come back
// as messages.
type model struct {
	ctx     context.Context // the context of the commands
	library *source.Library
	book    tour.Book
	lang    lang.Lang
	ascii   bool // the terminal shows only ASCII
	width   int
	height  int

	requests    []*trace.Timeline // the requests that the reader can choose from
	makeRequest func(context.Context) (*trace.Timeline, error)
	making      bool               // a request is being made
	control     control.Controller // steers the server that gets the requests; nil if it cannot be steered
	startStage  stages.Stage       // the stage at which a walk begins; None: the first stop
	tour        *tour.Tour         // nil until a request is chosen

	at     place
	back   []place
	focus  paneName
	zoom   bool    // the focused pane has the whole screen
	over   *picker // covers the panes; nil: no list is shown
	help   bool    // the help covers everything
	status string  // shown in place of the keys until the next key press

	held     *heldView // a request that is held, shown in place of the panes; nil: none
	awaiting bool      // awaitHeld is under way
	lastHold int       // the ID of the hold that was shown last; 0 before the first

	loaded   map[chapter.Quote]*loadedSource
	chapters map[chapterKey]*layout
	sources  map[sourceKey]*layout
}

// loadedSource is a piece of source, or the error of reading it. It has both if only the
// quoted statement was not found.
type loadedSource struct {
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
	lang  lang.Lang // the language of the remarks
	width int
}

// newModel returns the model of a walk through one of the requests. If there are
// several, it begins with the list of them.
func newModel(ctx context.Context, o *options, requests []*trace.Timeline) *model {
	screen := o.Show.Screen(nil)
	m := &model{
		ctx: ctx, library: o.Library, book: o.Book, lang: screen.Lang, ascii: screen.ASCII,
		requests: requests, startStage: o.Stage, loaded: make(map[chapter.Quote]*loadedSource),
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
	m.tour, m.at, m.back, m.over = tour.NewWithBook(t, m.library, m.book), atStop(0), nil, nil
	m.forget()
	if m.startStage == stages.None {
		return
	}
	if i := m.tour.Index(m.startStage); i >= 0 {
		m.at = atStop(i)
	} else {
		m.at = atStage(m.startStage)
	}
}

// forget drops all layouts, because the width or the request has changed.
func (m *model) forget() {
	m.chapters, m.sources = make(map[chapterKey]*layout), make(map[sourceKey]*layout)
}

// Init implements tea.Model. It has nothing to start.
func (m *model) Init() tea.Cmd { return nil }

// chapter returns the layout of the current chapter.
func (m *model) chapter(width int) *layout {
	key := chapterKey{m.at.stop, m.at.stage, m.lang, width}
	p := m.chapters[key]
	if p == nil {
		p = layoutChapter(m.tour, m.stop(), m.lang, width)
		m.chapters[key] = p
	}
	return p
}

// source returns the layout of the current source, or of a text that says why it is not
// there; then e is nil.
func (m *model) source(width int) (p *layout, e *source.Excerpt) {
	q, ok := m.quote()
	if !ok {
		return m.textLayout(m.lang.Pick("No upstream function belongs to this stop.", "这里没有对应的上游函数。"), width), nil
	}
	c := m.loaded[q]
	switch {
	case c == nil:
		return m.textLayout(m.lang.Pick("reading the source …", "正在读取源码 …"), width), nil
	case c.excerpt == nil:
		return m.textLayout(whyNoSource(c.err, m.lang), width), nil
	}
	key := sourceKey{q, m.lang, width}
	if p = m.sources[key]; p == nil {
		p = layoutSource(c.excerpt.Lines, width).withRemarks(remarks(c.excerpt, c.err, m.lang), width)
		m.sources[key] = p
	}
	return p, c.excerpt
}

func (m *model) textLayout(text string, width int) *layout {
	return &layout{lines: append([]string{""}, screen.Wrap(text, width)...), mark: -1}
}

// place is where the reader is: at a stop of the tour, or at a stage that the request did
// not pass. From either, a jump may have led to a piece of source.
type place struct {
	stop       int          // the index of the stop; -1 if the request did not pass the stage
	stage      stages.Stage // set only if stop is -1
	symbol     string       // the source that a jump led to; "" for that of the stop
	quote      int          // which of the stop's quotes is shown
	chapterTop int          // the first visible line of the chapter
	sourceTop  int          // the first visible line of the source, or topAtMark
}

// topAtMark as the first visible line scrolls to the marked line.
const topAtMark = -1

// mostBack limits how many places are kept to go back to.
const mostBack = 1000

func atStop(stop int) place                 { return place{stop: stop, sourceTop: topAtMark} }
func atStage(s stages.Stage) place          { return place{stop: -1, stage: s, sourceTop: topAtMark} }
func (p place) withSymbol(sym string) place { p.symbol, p.sourceTop = sym, topAtMark; return p }

// stop returns the stop where the reader is.
func (m *model) stop() *tour.Stop {
	if m.at.stop >= 0 && m.at.stop < len(m.tour.Stops) {
		return &m.tour.Stops[m.at.stop]
	}
	s := m.tour.Beyond(m.at.stage)
	return &s
}

// quotes returns the quotes of source that can be shown here.
func (m *model) quotes() []chapter.Quote {
	if m.at.symbol != "" {
		return []chapter.Quote{{Symbol: m.at.symbol}}
	}
	return m.stop().Quotes(m.lang)
}

// quote returns the quote that is shown, and false if there is none here.
func (m *model) quote() (chapter.Quote, bool) {
	all := m.quotes()
	if len(all) == 0 {
		return chapter.Quote{}, false
	}
	return all[min(m.at.quote, len(all)-1)], true
}

// visit goes to a place, and keeps the current one to go back to.
func (m *model) visit(p place) {
	if len(m.back) == mostBack {
		m.back = m.back[1:]
	}
	m.back = append(m.back, m.at)
	m.at, m.status = p, ""
}

// step goes by stops forwards on the path, or backwards if by is negative. At a stage that
// the request did not pass, it starts from the stop that was visited last.
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
	m.visit(atStop(to))
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
		m.visit(m.at.withSymbol(j.Symbol))
		m.focus = onSource
	case j.Stop >= 0:
		m.visit(atStop(j.Stop))
	default:
		m.visit(atStage(j.Stage))
	}
}

// goTo goes to a stage, whether the request passed it or not.
func (m *model) goTo(s stages.Stage) {
	if i := m.tour.Index(s); i >= 0 {
		m.visit(atStop(i))
		return
	}
	m.visit(atStage(s))
}

// loadedMsg delivers a piece of source.
type loadedMsg struct {
	quote  chapter.Quote
	source *loadedSource
}

// madeMsg delivers a request that was made again.
type madeMsg struct {
	timeline *trace.Timeline
	err      error
}

// Update implements tea.Model.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.forget()
	case loadedMsg:
		m.loaded[msg.quote] = msg.source
		return m, nil
	case madeMsg:
		m.showMade(msg)
	case callsMsg:
		m.offerCalls(msg)
	case heldMsg:
		m.showHeld(msg)
	case releasedMsg:
		if msg.err != nil {
			m.status = screen.Escape(msg.err.Error())
		}
	case tea.PasteMsg:
		if m.over != nil {
			line, _, _ := strings.Cut(msg.Content, "\n")
			m.over.setSearch(m.over.typed + line)
		}
	case tea.KeyPressMsg:
		if cmd := m.press(msg); cmd != nil {
			return m, tea.Batch(cmd, m.loadSources())
		}
	}
	look := m.loadSources()
	return m, look
}

// press gives a key to the topmost view. Ctrl-C always ends the walk.
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

// loadSources returns the command that reads the source of the current stop, and of its
// neighbours, so that it is there when the reader goes on.
func (m *model) loadSources() tea.Cmd {
	if m.tour == nil {
		return nil
	}
	var cmds []tea.Cmd
	if q, ok := m.quote(); ok {
		cmds = append(cmds, m.load(q))
	}
	for _, q := range m.quotes() {
		cmds = append(cmds, m.load(q))
	}
	for _, i := range []int{m.at.stop + 1, m.at.stop - 1} {
		if m.at.stop >= 0 && i >= 0 && i < len(m.tour.Stops) {
			if all := m.tour.Stops[i].Quotes(m.lang); len(all) > 0 {
				cmds = append(cmds, m.load(all[0]))
			}
		}
	}
	cmds = slices.DeleteFunc(cmds, func(c tea.Cmd) bool { return c == nil })
	return tea.Batch(cmds...)
}

// load returns the command that reads a piece of source, or nil if it was returned
// before. Until the source is there, its entry in m.loaded is nil.
func (m *model) load(q chapter.Quote) tea.Cmd {
	if _, asked := m.loaded[q]; asked {
		return nil
	}
	m.loaded[q] = nil
	t := m.tour
	return func() tea.Msg {
		e, err := t.Excerpt(q)
		return loadedMsg{q, &loadedSource{e, err}}
	}
}

// makeAgain makes the request once more.
func (m *model) makeAgain() tea.Cmd {
	if m.makeRequest == nil {
		m.status = m.lang.Pick("this request cannot be made again: it comes from elsewhere", "这个请求来自别处，不能在这里重做")
		return nil
	}
	if !m.startMaking() {
		return nil
	}
	m.status = m.lang.Pick("making the request …", "正在发出请求 …")
	return func() tea.Msg {
		t, err := m.makeRequest(m.ctx)
		return madeMsg{t, err}
	}
}

// startMaking reports whether the caller may make a request now, and sets m.making if so.
// Only one is made at a time: a second one might be held while the screen shows the first,
// and would not be released.
func (m *model) startMaking() bool {
	if m.making {
		m.status = m.lang.Pick("a request is being made already", "已经有一个请求正在发出")
		return false
	}
	m.making = true
	return true
}

// showMade shows a new request, at the stage where the reader was.
func (m *model) showMade(msg madeMsg) {
	m.making, m.held = false, nil
	if msg.err != nil {
		m.status = whyNoSource(msg.err, m.lang)
		return
	}
	m.requests = append(m.requests, msg.timeline)
	m.startStage = m.stop().Stage
	m.begin(msg.timeline)
	title, _, took := headline(msg.timeline, m.lang)
	m.status = m.lang.Say("%s, made again: %s; r lists the requests", "%s 重做了一次：%s；按 r 列出所有请求", title, took)
}
