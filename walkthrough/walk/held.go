package walk

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"glasskv/server/control"
	"glasskv/trace/stages"
	"glasskv/walkthrough/hold"
	"glasskv/walkthrough/screen"
)

// heldFor is how long a request is held by the breakpoint when the reader does nothing;
// its client waits a little longer. One step further it is the server's own time.
const (
	heldFor    = 5 * time.Minute
	clientWait = heldFor + 30*time.Second
)

// heldMsg tells that a request stands still, and what there is to see of it.
type heldMsg struct {
	id     int
	report *control.Report
	err    error
}

// wentOnMsg tells that the server has let a request go on, or why not.
type wentOnMsg struct{ err error }

// held is a request that stands still, shown in place of the chapter.
type held struct {
	report *control.Report
	top    int
}

// breakHere has the request made again and held where this stage begins.
func (m *model) breakHere() tea.Cmd {
	stage := m.stop().Stage
	switch {
	case m.control == nil || m.again == nil:
		m.status = m.lang.Pick("nothing can be held here: this request was made elsewhere", "这里无法暂停：这个请求来自别处")
		return nil
	case stage == stages.None:
		m.status = m.lang.Pick("only stages can be held", "只有阶段才能暂停")
		return nil
	case !m.startMaking():
		return nil
	}
	m.status = m.lang.Say("making the request, to hold it at %s …", "正在重发请求，将在 %s 处暂停 …", stage)
	ctx, server, again := m.ctx, m.control, m.again
	b := control.Break{Stage: stage.String(), Once: true, Timeout: control.Duration(heldFor)}
	hold := func() tea.Msg {
		if _, err := server.SetBreak(ctx, b); err != nil {
			return madeMsg{err: err}
		}
		limited, cancel := context.WithTimeout(ctx, clientWait)
		defer cancel()
		t, err := again(limited)
		// If the request did not pass the stage, the breakpoint is still there.
		_, clearErr := server.ClearBreak(ctx, b.Stage)
		if errors.Is(clearErr, control.ErrUnknown) {
			clearErr = nil
		}
		return madeMsg{t, errors.Join(err, clearErr)}
	}
	return tea.Batch(hold, m.awaitHeld())
}

// awaitHeld waits until a request is held. There is at most one who waits: the
// others are waiting already.
func (m *model) awaitHeld() tea.Cmd {
	if m.awaiting {
		return nil
	}
	m.awaiting = true
	ctx, server, last := m.ctx, m.control, m.lastHold
	return func() tea.Msg {
		id, err := control.NextHold(ctx, server, last)
		if err != nil {
			return heldMsg{id: last, err: err}
		}
		report, err := server.Hold(ctx, id)
		return heldMsg{id, report, err}
	}
}

// stands shows a request that is held.
func (m *model) stands(msg heldMsg) {
	m.awaiting, m.lastHold = false, msg.id
	if msg.err != nil {
		m.status = screen.Escape(msg.err.Error())
		return
	}
	m.held, m.status = &held{report: msg.report}, ""
}

// pressHeld takes the keys while a request is held.
func (m *model) pressHeld(pressed string) tea.Cmd {
	room := m.bodyHeight() - 1
	switch pressed {
	case "s", "n", "right", "enter", "space":
		return m.goOn(m.control.Step, true)
	case "c", "esc":
		return m.goOn(m.control.Continue, false)
	case "up", "k":
		m.held.top = max(0, m.held.top-1)
	case "down", "j":
		m.held.top++
	case "pgup":
		m.held.top = max(0, m.held.top-room)
	case "pgdown":
		m.held.top += room
	case "l":
		m.toggleLang()
	case "?":
		m.help = true
	case "q":
		return tea.Quit // what is held goes on then
	}
	m.held.clamp(len(m.heldPage().lines) - room)
	return nil
}

func (h *held) clamp(last int) { h.top = max(0, min(h.top, last)) }

// goOn lets the held request go on, and waits for it to be held again if it was only
// a step.
func (m *model) goOn(how func(context.Context, int) (control.State, error), again bool) tea.Cmd {
	ctx, id := m.ctx, m.held.report.ID
	m.held = nil
	m.status = m.lang.Pick("it goes on …", "继续执行 …")
	cmd := func() tea.Msg {
		_, err := how(ctx, id)
		return wentOnMsg{err}
	}
	if again {
		return tea.Batch(cmd, m.awaitHeld())
	}
	return cmd
}

// heldPage is the report, as `glasskv hold show` prints it.
func (m *model) heldPage() *page {
	var b bytes.Buffer
	options := screen.Options{Lang: m.lang, Width: m.width, Profile: colorprofile.TrueColor}
	if err := hold.Render(&b, m.held.report, hold.Options{Options: options, Typed: true}); err != nil {
		return m.word(screen.Escape(err.Error()), m.width)
	}
	return &page{lines: strings.Split(strings.TrimRight(b.String(), "\n"), "\n"), mark: -1}
}

func (m *model) heldPane() pane {
	title := m.lang.Say("held where %s begins", "停在 %s 开始之处", m.held.report.Stage)
	return pane{title: title, page: m.heldPage(), top: m.held.top, focused: true}
}

// letGo lets what is held go on when the reader leaves.
func (m *model) letGo() error {
	if m.held == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), askTimeout)
	defer cancel()
	_, err := m.control.Continue(ctx, m.held.report.ID)
	return err
}
