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
	"glasskv/trace"
	"glasskv/walkthrough/hold"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

// heldFor is how long a request is held by the breakpoint when the reader does nothing;
// its client waits a little longer. One step further it is the server's own time.
const (
	heldFor    = 5 * time.Minute
	clientWait = heldFor + 30*time.Second
)

// heldMsg tells that a request stands still, and what there is to see of it.
type heldMsg struct {
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
	case m.steer == nil || m.again == nil:
		m.status = m.lang.Pick("nothing can be held here: this request was made elsewhere", "这里无法暂停：这个请求来自别处")
		return nil
	case stage == trace.None:
		m.status = m.lang.Pick("only stages can be held", "只有阶段才能暂停")
		return nil
	case !m.startMaking():
		return nil
	}
	m.status = m.lang.Say("making the request, to hold it at %s …", "正在重发请求，将在 %s 处暂停 …", stage)
	ctx, steer, again := m.ctx, m.steer, m.again
	b := control.Break{Stage: stage.String(), Once: true, Timeout: control.Duration(heldFor)}
	hold := func() tea.Msg {
		if err := steer.setBreak(ctx, b); err != nil {
			return madeMsg{err: err}
		}
		limited, cancel := context.WithTimeout(ctx, clientWait)
		defer cancel()
		t, err := again(limited)
		// Where the request did not pass, the breakpoint is still there.
		return madeMsg{t, errors.Join(err, steer.clearBreak(ctx, b.Stage))}
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
	ctx, steer := m.ctx, m.steer
	return func() tea.Msg {
		id, err := steer.next(ctx)
		if err != nil {
			return heldMsg{err: err}
		}
		report, err := steer.report(ctx, id)
		return heldMsg{report, err}
	}
}

// stands shows a request that is held.
func (m *model) stands(msg heldMsg) {
	m.awaiting = false
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
		return m.goOn(m.steer.step, true)
	case "c", "esc":
		return m.goOn(m.steer.goOn, false)
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
func (m *model) goOn(how func(context.Context, int) error, again bool) tea.Cmd {
	ctx, id := m.ctx, m.held.report.ID
	m.held = nil
	m.status = m.lang.Pick("it goes on …", "继续执行 …")
	cmd := func() tea.Msg { return wentOnMsg{how(ctx, id)} }
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
	return m.steer.goOn(ctx, m.held.report.ID)
}

// steer holds requests on the server that they are made on, in this process or in
// another.
type steer struct {
	setBreak func(context.Context, control.Break) error
	// clearBreak removes a breakpoint; that there is none is no error.
	clearBreak func(ctx context.Context, stage string) error
	next       func(context.Context) (id int, err error) // waits until a request is held that was not before
	report     func(context.Context, int) (*control.Report, error)
	step       func(context.Context, int) error
	goOn       func(context.Context, int) error
	close      func()
}

// steerOf steers the server that requests are made on. Another process's has to be
// started with --control; its errors say so.
func steerOf(live *tour.Live, traceURL string) *steer {
	if own := live.Server(); own != nil {
		return steerOwn(own.Observer().Steering())
	}
	return steerOther(&control.Client{Base: traceURL})
}

func steerOwn(s control.Steering) *steer {
	// As many as can be held at once, twice: who is told must not be waited for.
	held := make(chan int, 2*control.MaxHolds)
	stop := s.Watch(func(e control.Event) {
		if e.Kind == control.Held {
			select {
			case held <- e.Hold.ID:
			default:
			}
		}
	})
	return &steer{
		setBreak:   func(_ context.Context, b control.Break) error { return s.SetBreak(b) },
		clearBreak: func(_ context.Context, stage string) error { return known(s.ClearBreak(stage)) },
		next: func(ctx context.Context) (int, error) {
			select {
			case id := <-held:
				return id, nil
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		},
		report: func(_ context.Context, id int) (*control.Report, error) { return s.Hold(id) },
		step:   func(_ context.Context, id int) error { return s.Step(id) },
		goOn:   func(_ context.Context, id int) error { return s.Continue(id) },
		close:  stop,
	}
}

// known leaves out that something was not there.
func known(err error) error {
	if errors.Is(err, control.ErrUnknown) {
		return nil
	}
	return err
}

// askWait is how long one question waits for a hold, and how long it takes until
// the next one where the answer is not new.
const (
	askWait  = 10 * time.Second
	askPause = 100 * time.Millisecond
)

func steerOther(c *control.Client) *steer {
	last := 0 // holds are numbered in their order
	return &steer{
		setBreak: func(ctx context.Context, b control.Break) error {
			_, err := c.SetBreak(ctx, b)
			return err
		},
		clearBreak: func(ctx context.Context, stage string) error {
			_, err := c.ClearBreak(ctx, stage)
			return known(err)
		},
		next: func(ctx context.Context) (int, error) {
			for {
				state, err := c.State(ctx, askWait)
				if err != nil {
					return 0, err
				}
				for _, h := range state.Holds {
					if h.ID > last {
						last = h.ID
						return last, nil
					}
				}
				select {
				case <-time.After(askPause):
				case <-ctx.Done():
					return 0, context.Cause(ctx)
				}
			}
		},
		report: c.Hold,
		step: func(ctx context.Context, id int) error {
			_, err := c.Step(ctx, id)
			return err
		},
		goOn: func(ctx context.Context, id int) error {
			_, err := c.Continue(ctx, id)
			return err
		},
		close: func() {},
	}
}
