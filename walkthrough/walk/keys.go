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

// binding is a key, what the help says of it, and what it does.
type binding struct {
	keys   []string
	shown  string
	en, zh string
	do     func(*model) tea.Cmd
}

// quietly makes a key's action of what changes the model and asks for nothing.
func quietly(do func(*model)) func(*model) tea.Cmd {
	return func(m *model) tea.Cmd { do(m); return nil }
}

// on declares a key. Keys are named as bubbletea names them.
func on(shown, en, zh string, do func(*model) tea.Cmd, keys ...string) binding {
	return binding{keys, shown, en, zh, do}
}

// bindings are the keys in the order of the help. What is not shown there is shown
// with the key before it.
var bindings = []binding{
	on("→ n", "the next stop on the path", "路径上的下一站", quietly(func(m *model) { m.step(1) }), "right", "n"),
	on("← p", "the stop before", "上一站", quietly(func(m *model) { m.step(-1) }), "left", "p"),
	on("g G", "the first stop, the last", "第一站、最后一站", quietly(func(m *model) { m.visit(at(0)) }), "g"),
	on("", "", "", quietly(func(m *model) { m.visit(at(len(m.tour.Stops) - 1)) }), "G"),
	on("↑ ↓", "scroll", "滚动", quietly(func(m *model) { m.scroll(-1) }), "up", "k"),
	on("", "", "", quietly(func(m *model) { m.scroll(1) }), "down", "j"),
	on("PgUp PgDn", "scroll a page; Space as well", "滚动一页，空格也可以", quietly(func(m *model) { m.scrollPage(-1) }), "pgup", "ctrl+b"),
	on("", "", "", quietly(func(m *model) { m.scrollPage(1) }), "pgdown", "space", "ctrl+f"),
	on("Home End", "to the beginning, to the end", "到开头、到结尾", quietly(func(m *model) { m.scroll(-1 << 20) }), "home"),
	on("", "", "", quietly(func(m *model) { m.scroll(1 << 20) }), "end"),
	on("Tab", "chapter or source", "在正文和源码之间切换", quietly((*model).toggle), "tab", "shift+tab"),
	on("[ ]", "another place in the source that the chapter names", "正文提到的另一处源码", quietly(func(m *model) { m.turn(-1) }), "["),
	on("", "", "", quietly(func(m *model) { m.turn(1) }), "]"),
	on("s", "the source on the whole screen, and back", "源码占满屏幕，再按一次还原", quietly((*model).toggleZoom), "s"),
	on("c", "to the caller", "去看调用者", quietly(func(m *model) { m.jump(chapter.Caller) }), "c"),
	on("e", "to what it calls", "去看它调用的函数", (*model).callees, "e"),
	on("h", "where the work goes on, on another goroutine", "工作交接到哪里，由哪个 goroutine 继续", quietly(func(m *model) { m.jump(chapter.Handover) }), "h"),
	on("Backspace", "back to where you were", "回到刚才的地方", quietly((*model).goBack), "backspace", "ctrl+h"),
	on("/", "find a stage", "查找阶段", quietly(func(m *model) { m.over = m.findStage() }), "/"),
	on("o", "all stops, with their bars", "所有站点和它们的时间条", quietly(func(m *model) { m.over = m.allStops() }), "o"),
	on("r", "another request", "换一个请求", quietly((*model).otherRequest), "r"),
	on("m", "make the request again", "把这个请求再做一次", (*model).makeAgain, "m"),
	on("b", "make it again, and hold it where this stage begins", "重做一次，并在这个阶段开始处暂停", (*model).breakHere, "b"),
	on("l", "English or Chinese", "中文或英文", quietly((*model).toggleLang), "l"),
	on("?", "these keys", "显示这些按键", quietly(func(m *model) { m.help = true }), "?"),
	on("q", "leave", "退出", func(*model) tea.Cmd { return tea.Quit }, "q"),
	on("", "", "", quietly(func(m *model) { m.zoom = false }), "esc"),
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

// turn shows another of the places in the source that the chapter names.
func (m *model) turn(by int) {
	all := len(m.quotes())
	if all < 2 {
		m.status = m.lang.Pick("there is no other place in the source here", "这里没有别的源码可看")
		return
	}
	m.at.quote = (m.at.quote + by + all) % all
	m.at.sourceTop = follow
}

// jump goes to the caller, or where the work goes on.
func (m *model) jump(kind chapter.JumpKind) { m.chooseAmong(kind, m.jumpsOf(kind)) }

// chooseAmong goes where a jump leads; where there are several, it asks.
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

// helpLines list the keys, in two columns where they do not fit into one.
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

// callsMsg brings what a function calls, as far as its source tells.
type callsMsg struct {
	symbol string
	calls  []string
	err    error
}

// callees goes on to what the function calls that is shown: what the chapter names,
// and whatever else its source tells. Reading that takes a moment, so it is done
// beside the keys.
func (m *model) callees() tea.Cmd {
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

// called offers the calls, unless the reader has gone elsewhere meanwhile.
func (m *model) called(msg callsMsg) {
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
		m.status = missing(msg.err, m.lang)
		return
	}
	m.chooseAmong(chapter.Callee, all)
}

// jumpTo leads to the stage that a function stands for, or else to its source.
func (m *model) jumpTo(symbol string) tour.Jump {
	j := tour.Jump{Kind: chapter.Callee, Stop: -1, Symbol: symbol}
	for _, spec := range stages.Specs() {
		if spec.Upstream.Package+"."+spec.Upstream.Name != symbol || spec.Stage == m.stop().Stage {
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
