package walk

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/walk/tour"
)

// program runs a model as bubbletea does: its commands beside it, their messages one
// after the other.
type program struct {
	t     *testing.T
	model *model
	msgs  chan tea.Msg
}

func (p *program) send(msg tea.Msg) {
	_, cmd := p.model.Update(msg)
	checkScreen(p.t, p.model)
	p.start(cmd)
}

func (p *program) start(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	go func() {
		switch msg := cmd().(type) {
		case tea.BatchMsg:
			for _, c := range msg {
				p.start(c)
			}
		case nil:
		default:
			p.msgs <- msg
		}
	}()
}

// until takes messages until the screen shows a text.
func (p *program) until(text string) {
	p.t.Helper()
	limit := time.After(30 * time.Second)
	for !strings.Contains(ansi.Strip(p.model.screen()), text) {
		select {
		case msg := <-p.msgs:
			p.send(msg)
		case <-limit:
			p.t.Fatalf("%q does not come:\n%s", text, ansi.Strip(p.model.screen()))
		}
	}
}

// walkLive is a walk through a put on a server of its own.
func walkLive(t *testing.T) (*program, *tour.Live) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	live, err := tour.Start(ctx, tour.LiveOptions{Log: demo.FailureLog(os.Stderr)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := live.Close(); err != nil {
			t.Error(err)
		}
	})
	first, err := live.Do(ctx, "put")
	if err != nil {
		t.Fatal(err)
	}
	o := newOptions(ctx, t)
	o.Stage = stages.RaftPropose
	m := newModel(ctx, o, []*trace.Timeline{first})
	m.makeRequest = func(ctx context.Context) (*trace.Timeline, error) { return live.Do(ctx, "put") }
	m.control = controller(live, "")
	p := &program{t: t, model: m, msgs: make(chan tea.Msg, 64)}
	p.send(tea.WindowSizeMsg{Width: 100, Height: 60})
	return p, live
}

// b makes the request again, holds it where the stage begins, lets it go a stage
// further, and then to its end.
func TestARequestIsHeldAndGoesOn(t *testing.T) {
	p, live := walkLive(t)
	p.send(keyPress("b"))
	p.until("held where raft.propose begins")
	p.until("raft loop") // its goroutines are shown
	p.send(keyPress("s"))
	p.until("one step further")
	p.send(keyPress("c"))
	p.until("made again")
	if got := len(p.model.requests); got != 2 {
		t.Errorf("%d requests, want the first and the one that was held", got)
	}
	if s := live.Server().Observer().Steering().State(); len(s.Breaks)+len(s.Holds) != 0 {
		t.Errorf("left behind: %+v", s)
	}
}

// Somebody who presses b again before anything is held has one request held, not two.
func TestOneRequestIsMadeAtATime(t *testing.T) {
	p, live := walkLive(t)
	p.send(keyPress("b"))
	p.send(keyPress("b"))
	p.until("a request is being made already")
	p.send(keyPress("m"))
	p.until("a request is being made already")
	p.until("held where raft.propose begins")
	p.send(keyPress("c"))
	p.until("made again")
	if s := live.Server().Observer().Steering().State(); len(s.Breaks)+len(s.Holds) != 0 {
		t.Errorf("left behind: %+v", s)
	}
}

// Who leaves while a request is held lets it go on.
func TestLeavingLetsTheHeldRequestGoOn(t *testing.T) {
	p, live := walkLive(t)
	p.send(keyPress("b"))
	p.until("held where raft.propose begins")
	released := make(chan string, 1)
	stop := live.Server().Observer().Steering().Watch(func(e control.Event) {
		if e.Kind == control.Released {
			released <- e.Ended
		}
	})
	defer stop()
	if err := p.model.releaseHeld(); err != nil {
		t.Fatal(err)
	}
	if why := <-released; why != "continued" {
		t.Errorf("it went on: %s", why)
	}
	p.until("made again")
}

// A stage that the request does not pass holds nothing, and leaves no breakpoint.
func TestAStageThatIsNotPassedHoldsNothing(t *testing.T) {
	p, live := walkLive(t)
	p.model.goTo(stages.ReadWait)
	p.send(keyPress("b"))
	p.until("made again")
	if s := live.Server().Observer().Steering().State(); len(s.Breaks) != 0 {
		t.Errorf("left behind: %+v", s)
	}
}

// e offers what the chapter names and what the source tells besides.
func TestCalleesComeFromTheSourceAsWell(t *testing.T) {
	p, _ := walkLive(t)
	p.model.goTo(stages.ProcessRPC)
	p.send(keyPress("e"))
	p.until("━━ grpc.processRPC · calls")
	named := len(p.model.jumpsOf("callee"))
	if got := p.model.over.count; got <= named {
		t.Errorf("%d to choose from, %d of them named by the chapter", got, named)
	}
}
