package lesson

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"

	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/source"
)

// Options say how a lesson is played.
type Options struct {
	Auto bool        // nobody is asked
	Show *show.Flags // language, width, colours, output
	In   io.Reader   // where predictions are typed; not read when Auto
	Log  *zap.Logger // of the server; nil for none

	// Source finds what a lesson points to; nil for the source of this very binary.
	Source *source.Library
}

// playTimeout bounds a lesson that nobody is asked in.
const playTimeout = 60 * time.Second

// player is one run of a lesson.
type player struct {
	Options
	lesson  *Lesson
	out     io.Writer
	screen  screen.Options
	input   *input
	live    *demo.Live
	ways    map[wayKey]*way
	records map[string]*trace.Record // the server's, by trace ID, as they were looked up last
	known   scope
	asked   map[string]*asked
	outcome Outcome
	index   int // of the step
}

// Play plays a lesson and prints to w. When it returns, also because ctx ended, the
// server is stopped and its data removed. A claim that the run did not show is in the
// outcome and no error; an error is a lesson that could not be played to its end.
func Play(ctx context.Context, w io.Writer, l *Lesson, o Options) (out *Outcome, err error) {
	p := &player{
		Options: o, lesson: l, out: w, screen: o.Show.Screen(w),
		ways: make(map[wayKey]*way), records: make(map[string]*trace.Record),
		known: newScope(o.Show.Lang()), asked: make(map[string]*asked),
		outcome: Outcome{Lesson: l.Name},
	}
	if o.Auto || o.Show.JSON() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, playTimeout)
		defer cancel()
	} else {
		p.input = &input{o.In}
	}
	began := time.Now()
	defer func() { err = errors.Join(err, p.stopServer()) }()
	if err := p.play(ctx); err != nil {
		return nil, err
	}
	p.outcome.Took = time.Since(began)
	return &p.outcome, p.conclude()
}

func (p *player) play(ctx context.Context) error {
	if err := p.title(); err != nil {
		return err
	}
	if err := p.startServer(ctx, p.lesson.Server); err != nil {
		return err
	}
	for i, s := range p.lesson.Steps {
		p.index = i + 1
		if err := p.step(ctx, s); err != nil {
			return p.lesson.mistake(s, "%s: %w", s.kind, err)
		}
	}
	return nil
}

func (p *player) step(ctx context.Context, s *Step) error {
	switch s.kind {
	case "say":
		return p.tell(s)
	case "server":
		return errors.Join(p.stopServer(), p.startServer(ctx, *s.Server))
	case "do", "together", "in-turn":
		if err := p.make(ctx, s); err != nil {
			return err
		}
		return p.reportResults(s)
	case "fault":
		return p.fault(s)
	case "hold":
		return p.hold(s)
	case "measure":
		return p.measure(s)
	case "ask":
		return p.ask(ctx, s)
	case "reveal":
		return p.reveal(s)
	case "show":
		if err := p.show(s); err != nil {
			return err
		}
		return p.pause(ctx)
	case "claim":
		return p.claim(s)
	case "point":
		return p.point(s)
	}
	return p.chapter(s)
}

// startServer starts a server as the lesson wants it.
func (p *player) startServer(ctx context.Context, how Server) (err error) {
	log := p.Log
	if how.Quiet {
		log = nil
	}
	p.live, err = demo.StartLive(ctx, demo.LiveOptions{
		Log: log, TLS: how.TLS, Workers: how.Workers, Cold: how.Cold,
		Config: func(cfg *serve.Config) {
			cfg.ServeTLSThroughHTTP = how.ThroughHTTP
			if how.MaxTxnOps > 0 {
				cfg.MaxTxnOps = how.MaxTxnOps
			}
		},
	})
	if err != nil {
		return fmt.Errorf("start the lesson's server: %w", err)
	}
	if p.live.InMemory() {
		return p.warnMemory()
	}
	return nil
}

// stopServer hangs up and ends the server, if there is one.
func (p *player) stopServer() error {
	var errs []error
	for _, w := range p.ways {
		errs = append(errs, w.close())
	}
	clear(p.ways)
	clear(p.records)
	if p.live != nil {
		errs = append(errs, p.live.Stop())
		p.live = nil
	}
	return errors.Join(errs...)
}
