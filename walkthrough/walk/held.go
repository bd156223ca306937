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

// heldFor limits how long the breakpoint holds a request, and clientWait how long its
// client waits. After a step, the server's own limit applies.
const (
	heldFor    = 5 * time.Minute
	clientWait = heldFor + 30*time.Second
)

// heldMsg delivers the report on a request that is held.
type heldMsg struct {
	id     int
	report *control.Report
	err    error
}

// releasedMsg says that the server has let a request go on, or why not.
type releasedMsg struct{ err error }

// heldView is a request that is held, and how far its report is scrolled.
type heldView struct {
	report *control.Report
	top    int
}

// breakHere makes the request again, with a breakpoint at this stage.
func (m *model) breakHere() tea.Cmd {
	stage := m.stop().Stage
	switch {
	case m.control == nil || m.makeRequest == nil:
		m.status = m.lang.Pick("nothing can be held here: this request was made elsewhere", "这里无法暂停：这个请求来自别处")
		return nil
	case stage == stages.None:
		m.status = m.lang.Pick("only stages can be held", "只有阶段才能暂停")
		return nil
	case !m.startMaking():
		return nil
	}
	m.status = m.lang.Say("making the request, to hold it at %s …", "正在重发请求，将在 %s 处暂停 …", stage)
	ctx, server, makeRequest := m.ctx, m.control, m.makeRequest
	b := control.Break{Stage: stage.String(), Once: true, Timeout: control.Duration(heldFor)}
	run := func() tea.Msg {
		if _, err := server.SetBreak(ctx, b); err != nil {
			return madeMsg{err: err}
		}
		limited, cancel := context.WithTimeout(ctx, clientWait)
		defer cancel()
		t, err := makeRequest(limited)
		// If the request did not pass the stage, the breakpoint is still there.
		_, clearErr := server.ClearBreak(ctx, b.Stage)
		if errors.Is(clearErr, control.ErrUnknown) {
			clearErr = nil
		}
		return madeMsg{t, errors.Join(err, clearErr)}
	}
	return tea.Batch(run, m.awaitHeld())
}

// awaitHeld returns the command that waits until a request is held, or nil if one is
// waiting already.
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

// showHeld shows a request that is held.
func (m *model) showHeld(msg heldMsg) {
	m.awaiting, m.lastHold = false, msg.id
	if msg.err != nil {
		m.status = screen.Escape(msg.err.Error())
		return
	}
	m.held, m.status = &heldView{report: msg.report}, ""
}

// pressHeld handles a key while a held request is shown.
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
		return tea.Quit // releaseHeld lets the request go on then
	}
	m.held.clamp(len(m.heldLayout().lines) - room)
	return nil
}

// clamp limits the scrolling; last is the greatest top.
func (h *heldView) clamp(last int) { h.top = max(0, min(h.top, last)) }

// goOn lets the held request go on with call, which is Step or Continue. If again is
// set, it waits for the request to be held again.
func (m *model) goOn(call func(context.Context, int) (control.State, error), again bool) tea.Cmd {
	ctx, id := m.ctx, m.held.report.ID
	m.held = nil
	m.status = m.lang.Pick("it goes on …", "继续执行 …")
	cmd := func() tea.Msg {
		_, err := call(ctx, id)
		return releasedMsg{err}
	}
	if again {
		return tea.Batch(cmd, m.awaitHeld())
	}
	return cmd
}

// heldLayout returns the report as `glasskv hold show` prints it.
func (m *model) heldLayout() *layout {
	var b bytes.Buffer
	options := screen.Options{Lang: m.lang, Width: m.width, Profile: colorprofile.TrueColor}
	if err := hold.Render(&b, m.held.report, hold.Options{Options: options, Typed: true}); err != nil {
		return m.textLayout(screen.Escape(err.Error()), m.width)
	}
	return &layout{lines: strings.Split(strings.TrimRight(b.String(), "\n"), "\n"), mark: -1}
}

func (m *model) heldPane() pane {
	title := m.lang.Say("held where %s begins", "停在 %s 开始之处", m.held.report.Stage)
	return pane{title: title, layout: m.heldLayout(), top: m.held.top, focused: true}
}

// releaseHeld lets the held request go on, because the reader leaves.
func (m *model) releaseHeld() error {
	if m.held == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(m.ctx), askTimeout)
	defer cancel()
	_, err := m.control.Continue(ctx, m.held.report.ID)
	return err
}
