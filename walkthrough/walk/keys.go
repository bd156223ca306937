package walk

import (
	"slices"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

// binding is the action of one or more keys.
type binding struct {
	keys   []string
	shown  string // the keys in the help; empty: the help lists them with the binding before
	en, zh string
	do     func(*model) tea.Cmd
}

// noCmd adapts an action that returns no command.
func noCmd(do func(*model)) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd { do(m); return nil }
}

// bind returns a binding. Keys have the names that bubbletea gives them.
func bind(shown, en, zh string, do func(*model) tea.Cmd, keys ...string) binding {
	return binding{keys, shown, en, zh, do}
}

// bindings are all bindings, in the order of the help.
var bindings = []binding{
	bind("→ n", "the next stop on the path", "路径上的下一站", noCmd(func(m *model) { m.step(1) }), "right", "n"),
	bind("← p", "the stop before", "上一站", noCmd(func(m *model) { m.step(-1) }), "left", "p"),
	bind("g G", "the first stop, the last", "第一站、最后一站", noCmd(func(m *model) { m.visit(atStop(0)) }), "g"),
	bind("", "", "", noCmd(func(m *model) { m.visit(atStop(len(m.tour.Stops) - 1)) }), "G"),
	bind("↑ ↓", "scroll", "滚动", noCmd(func(m *model) { m.scroll(-1) }), "up", "k"),
	bind("", "", "", noCmd(func(m *model) { m.scroll(1) }), "down", "j"),
	bind("PgUp PgDn", "scroll a page; Space as well", "滚动一页，空格也可以", noCmd(func(m *model) { m.scrollPage(-1) }), "pgup", "ctrl+b"),
	bind("", "", "", noCmd(func(m *model) { m.scrollPage(1) }), "pgdown", "space", "ctrl+f"),
	bind("Home End", "to the beginning, to the end", "到开头、到结尾", noCmd(func(m *model) { m.scroll(-1 << 20) }), "home"),
	bind("", "", "", noCmd(func(m *model) { m.scroll(1 << 20) }), "end"),
	bind("Tab", "chapter or source", "在正文和源码之间切换", noCmd((*model).toggle), "tab", "shift+tab"),
	bind("[ ]", "another piece of source that the chapter quotes", "正文提到的另一处源码", noCmd(func(m *model) { m.turn(-1) }), "["),
	bind("", "", "", noCmd(func(m *model) { m.turn(1) }), "]"),
	bind("s", "the source on the whole screen, and back", "源码占满屏幕，再按一次还原", noCmd((*model).toggleZoom), "s"),
	bind("c", "to the caller", "去看调用者", noCmd(func(m *model) { m.jump(chapter.Caller) }), "c"),
	bind("e", "to what it calls", "去看它调用的函数", (*model).showCallees, "e"),
	bind("h", "where the work goes on, on another goroutine", "工作交接到哪里，由哪个 goroutine 继续", noCmd(func(m *model) { m.jump(chapter.Handover) }), "h"),
	bind("Backspace", "back to where you were", "回到刚才的地方", noCmd((*model).goBack), "backspace", "ctrl+h"),
	bind("/", "find a stage", "查找阶段", noCmd(func(m *model) { m.over = m.findStage() }), "/"),
	bind("o", "all stops, with their bars", "所有站点和它们的时间条", noCmd(func(m *model) { m.over = m.allStops() }), "o"),
	bind("r", "another request", "换一个请求", noCmd((*model).otherRequest), "r"),
	bind("m", "make the request again", "把这个请求再做一次", (*model).makeAgain, "m"),
	bind("b", "make it again, and hold it where this stage begins", "重做一次，并在这个阶段开始处暂停", (*model).breakHere, "b"),
	bind("l", "English or Chinese", "中文或英文", noCmd((*model).toggleLang), "l"),
	bind("?", "these keys", "显示这些按键", noCmd(func(m *model) { m.help = true }), "?"),
	bind("q", "leave", "退出", func(*model) tea.Cmd { return tea.Quit }, "q"),
	bind("", "", "", noCmd(func(m *model) { m.zoom = false }), "esc"),
}

func (m *model) toggle() {
	m.focus = onChapter + onSource - m.focus
	if m.zoom {
		m.zoom = false
	}
}

func (m *model) toggleZoom() {
	m.zoom = !m.zoom
	m.focus = onSource
}

func (m *model) toggleLang() {
	m.lang = lang.Lang(m.lang.Pick(string(lang.ZH), string(lang.EN)))
	m.at.chapterTop = 0
}

// turn shows the next or the previous piece of source that the chapter quotes.
func (m *model) turn(by int) {
	all := len(m.quotes())
	if all < 2 {
		m.status = m.lang.Pick("there is no other source here", "这里没有别的源码可看")
		return
	}
	m.at.quote = (m.at.quote + by + all) % all
	m.at.sourceTop = topAtMark
}

// jump follows the chapter's jump of a kind, as chooseAmong does.
func (m *model) jump(kind chapter.JumpKind) { m.chooseAmong(kind, m.jumpsOf(kind)) }

// chooseAmong follows the jump if there is only one. If there are several, it lets the
// reader choose. If there is none, it says so in the status line.
func (m *model) chooseAmong(kind chapter.JumpKind, all []tour.Jump) {
	switch len(all) {
	case 0:
		m.status = m.lang.Say("nothing is known here: %s", "这里没有记载：%s", jumpWord(kind, m.lang))
	case 1:
		m.follow(all[0])
	default:
		m.over = m.chooseJump(kind, all)
	}
}

func (m *model) otherRequest() {
	if len(m.requests) < 2 {
		m.status = m.lang.Pick("there is no other request here", "这里没有别的请求")
		return
	}
	m.over = m.chooseRequest()
}

// helpLines returns the help, in two columns if one is higher than the screen.
func (m *model) helpLines(width, height int) (lines []string) {
	const keys = 12
	for i := range bindings {
		if b := &bindings[i]; b.shown != "" {
			lines = append(lines, screen.Code.Paint(screen.Left(b.shown, keys))+m.lang.Pick(b.en, b.zh))
		}
	}
	if len(lines) <= height {
		return lines
	}
	half := (len(lines) + 1) / 2
	for i := range lines[:half] {
		lines[i] = fit(lines[i], width/2-1) + " "
		if half+i < len(lines) {
			lines[i] += lines[half+i]
		}
	}
	return lines[:half]
}

// callsMsg delivers the functions that a function calls, as found in its source.
type callsMsg struct {
	symbol string
	calls  []string
	err    error
}

// showCallees finds what the function on the screen calls: the callees that the chapter
// names, and those in its source. Parsing the source takes a moment, so a command does it.
func (m *model) showCallees() tea.Cmd {
	q, ok := m.quote()
	if !ok {
		m.chooseAmong(chapter.Callee, m.jumpsOf(chapter.Callee))
		return nil
	}
	library := m.library
	return func() tea.Msg {
		calls, err := library.Calls(q.Symbol)
		return callsMsg{q.Symbol, calls, err}
	}
}

// offerCalls lets the reader choose among the calls, unless the reader has left the
// function in the meantime.
func (m *model) offerCalls(msg callsMsg) {
	if q, ok := m.quote(); !ok || q.Symbol != msg.symbol || m.over != nil {
		return
	}
	all := m.jumpsOf(chapter.Callee)
	for _, symbol := range msg.calls {
		j := m.jumpTo(symbol)
		same := func(known tour.Jump) bool { return known.Symbol == symbol || known.Name() == j.Name() }
		if !slices.ContainsFunc(all, same) {
			all = append(all, j)
		}
	}
	if len(all) == 0 && msg.err != nil {
		m.status = whyNoSource(msg.err, m.lang)
		return
	}
	m.chooseAmong(chapter.Callee, all)
}

// jumpTo returns the jump to the stage of a function, or to its source if it is not the
// function of a stage.
func (m *model) jumpTo(symbol string) tour.Jump {
	j := tour.Jump{Kind: chapter.Callee, Stop: -1, Symbol: symbol}
	for _, spec := range stages.Specs() {
		if spec.Upstream.Path() != symbol || spec.Stage == m.stop().Stage {
			continue
		}
		if i := m.tour.Index(spec.Stage); j.Symbol != "" || i >= 0 {
			j.Stage, j.Stop, j.Symbol = spec.Stage, i, ""
		}
		if j.Stop >= 0 {
			break
		}
	}
	return j
}
