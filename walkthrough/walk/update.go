package walk

import (
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/screen"
)

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
