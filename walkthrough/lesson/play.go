package lesson

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"glasskv/server/control"
	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/summary"
)

// Options say how a lesson is played.
type Options struct {
	Auto bool        // do not ask for predictions and do not pause
	Show *show.Flags // language, width, colours, output
	In   io.Reader   // where predictions are typed; not read if Auto
	Log  *zap.Logger // the server's log; nil for none

	// Source finds the places that a lesson points to; nil means the source of this
	// binary.
	Source *source.Library
}

// playTimeout is how long a lesson may take that asks the reader nothing.
const playTimeout = 60 * time.Second

// player is one run of a lesson.
type player struct {
	Options
	lesson    *Lesson
	out       io.Writer
	screen    screen.Options
	input     *input
	live      *demo.Live
	routes    map[routeKey]*route
	records   map[string]*record.Record // the server's records of the last lookup, by trace ID
	known     scope
	questions map[string]*question
	outcome   Outcome
	index     int // the number of the current step, from 1
}

// Play plays a lesson and prints it to w. Before it returns, even if ctx has ended, it
// stops the lesson's server and removes its data. A claim that the run did not show is
// part of the outcome, not an error. An error means that the lesson could not be played
// to its end.
func Play(ctx context.Context, w io.Writer, l *Lesson, o Options) (out *Outcome, err error) {
	p := &player{
		Options: o, lesson: l, out: w, screen: o.Show.Screen(w),
		routes: make(map[routeKey]*route), records: make(map[string]*record.Record),
		known: newScope(o.Show.Lang()), questions: make(map[string]*question),
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
	return &p.outcome, p.reportEnd()
}

func (p *player) play(ctx context.Context) error {
	if err := p.printTitle(); err != nil {
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
		return p.say(s)
	case "server":
		return errors.Join(p.stopServer(), p.startServer(ctx, *s.Server))
	case "do", "together", "in-turn":
		if err := p.makeRequests(ctx, s); err != nil {
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

// startServer starts the lesson's server.
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

// stopServer closes the connections and stops the server, if one is running.
func (p *player) stopServer() error {
	var errs []error
	for _, w := range p.routes {
		errs = append(errs, w.close())
	}
	clear(p.routes)
	clear(p.records)
	if p.live != nil {
		errs = append(errs, p.live.Stop())
		p.live = nil
	}
	return errors.Join(errs...)
}

// Outcome is the outcome of a lesson.
type Outcome struct {
	Lesson string // its name
	Claims []ClaimOutcome
	Took   time.Duration // including the start of the server
}

// ClaimOutcome is a claim and whether the run showed it.
type ClaimOutcome struct {
	File  string
	Line  int
	Text  string // in the reader's language, with the measured values
	Check string
	Holds bool
}

// Failed returns the claims that the run did not show.
func (o *Outcome) Failed() (failed []ClaimOutcome) {
	for _, c := range o.Claims {
		if !c.Holds {
			failed = append(failed, c)
		}
	}
	return failed
}

// Err returns nil if the claim holds. Otherwise it returns an error with the claim's
// place in the file, its condition and its text.
func (c ClaimOutcome) Err() error {
	if c.Holds {
		return nil
	}
	return fmt.Errorf("%s:%d: the run did not show `%s`: %s", c.File, c.Line, strings.TrimSpace(c.Check), c.Text)
}

// Event is a step in the JSON output, one object per line. Which fields are present
// depends on the kind. The last event of a lesson has the kind "end".
type Event struct {
	Lesson string `json:"lesson"`
	Step   int    `json:"step"` // from 1
	Line   int    `json:"line,omitempty"`
	Kind   string `json:"kind"` // the name of the step's field in the file, or "end"
	Text   string `json:"text,omitempty"`

	Results map[string]Figures `json:"results,omitempty"`
	Values  map[string]float64 `json:"values,omitempty"`

	Name    string   `json:"name,omitempty"` // the name of a question
	Choices []string `json:"choices,omitempty"`
	Said    string   `json:"said,omitempty"` // what the reader predicted; absent if there was no prediction
	Was     string   `json:"was,omitempty"`  // what the answer turned out to be

	Check  string `json:"check,omitempty"`
	Holds  *bool  `json:"holds,omitempty"`
	Claims int    `json:"claims,omitempty"` // at the end: how many claims were made
	Held   int    `json:"held,omitempty"`   // and how many of them held
	TookNS int64  `json:"took_ns,omitempty"`

	Timeline *trace.Timeline          `json:"timeline,omitempty"`
	Columns  map[string][]summary.Row `json:"columns,omitempty"` // the rows of each table, by the title of the table

	Symbol string `json:"symbol,omitempty"`
	Anchor string `json:"anchor,omitempty"`
	File   string `json:"file,omitempty"`
	First  int    `json:"first_line,omitempty"`
	Last   int    `json:"last_line,omitempty"`
	Stage  string `json:"stage,omitempty"`
}

// Figures summarize a Result.
type Figures struct {
	Count     int   `json:"count"`
	OK        int   `json:"ok"`
	P50NS     int64 `json:"p50_ns"`
	P99NS     int64 `json:"p99_ns"`
	ElapsedNS int64 `json:"elapsed_ns"`
	Fsyncs    int   `json:"fsyncs"`
}

// report prints an event if the output is JSON. s may be nil.
func (p *player) report(e *Event, s *Step) error {
	if !p.Show.JSON() {
		return nil
	}
	e.Lesson, e.Step = p.lesson.Name, p.index
	if s != nil {
		e.Line, e.Kind = s.line, s.kind
	}
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func (p *player) reportResults(s *Step) error {
	e := &Event{Results: make(map[string]Figures)}
	for _, r := range s.requests() {
		got, ok := p.known[r.Name].(*Result)
		if !ok {
			continue
		}
		e.Results[r.Name] = Figures{
			Count: got.Count, OK: got.OK, P50NS: int64(got.P50()), P99NS: int64(got.P99()),
			ElapsedNS: int64(got.Elapsed), Fsyncs: got.Batches(stages.WALSync.String()),
		}
	}
	return p.report(e, s)
}

// reportEnd reports the end of the lesson.
func (p *player) reportEnd() error {
	claims := len(p.outcome.Claims)
	return p.report(&Event{
		Kind: "end", Claims: claims, Held: claims - len(p.outcome.Failed()), TookNS: p.outcome.Took.Nanoseconds(),
	}, nil)
}

// Fault switches a fault on (Set) or off (Clear). `glasskv fault` lists the faults and
// their parameters.
type Fault struct {
	Set         string  `yaml:"set"`
	Clear       string  `yaml:"clear"`
	Delay       string  `yaml:"delay"`
	Probability float64 `yaml:"probability"`
	Streams     int     `yaml:"streams"`
	Bytes       Size    `yaml:"bytes"`
	Goroutines  int     `yaml:"goroutines"`
}

func (f *Fault) check() error {
	if (f.Set == "") == (f.Clear == "") {
		return errors.New("use either set or clear")
	}
	return nil
}

// fault switches a fault of the lesson's server. The server checks the fault's name and
// parameters.
func (p *player) fault(s *Step) (err error) {
	steering := p.live.Observer().Steering()
	if f := s.Fault; f.Clear != "" {
		err = steering.ClearFault(f.Clear)
	} else {
		err = steering.SetFault(control.Fault{
			Name: f.Set, On: true, Delay: f.Delay, Probability: f.Probability,
			Streams: f.Streams, Bytes: int(f.Bytes), Goroutines: f.Goroutines,
		})
	}
	if err != nil {
		return err
	}
	return p.report(&Event{Name: s.Fault.Set + s.Fault.Clear}, s)
}

// Hold sets a breakpoint where a stage begins, or clears it. `glasskv stages` marks the
// stages that can have one. Held requests continue by themselves after Timeout, because
// a lesson is not interactive while it makes requests.
type Hold struct {
	At      string        `yaml:"at"`     // set a breakpoint at this stage
	Clear   string        `yaml:"clear"`  // clear the breakpoint at this stage
	Key     string        `yaml:"key"`    // hold only requests whose key has this prefix
	Method  string        `yaml:"method"` // hold only requests of this method
	Timeout time.Duration `yaml:"timeout"`
	Once    bool          `yaml:"once"` // hold only the first request
}

func (h *Hold) check() error {
	switch {
	case (h.At == "") == (h.Clear == ""):
		return errors.New("use either at or clear")
	case !isStage(h.At + h.Clear):
		return errors.New("no such stage: see glasskv stages")
	case h.At != "" && h.Timeout <= 0:
		return errors.New("a breakpoint needs a timeout")
	}
	return nil
}

// hold sets or clears a breakpoint of the lesson's server.
func (p *player) hold(s *Step) (err error) {
	steering := p.live.Observer().Steering()
	if h := s.Hold; h.Clear != "" {
		err = steering.ClearBreak(h.Clear)
	} else {
		err = steering.SetBreak(control.Break{
			Stage: h.At, KeyPrefix: h.Key, Method: h.Method, Timeout: control.Duration(h.Timeout), Once: h.Once,
		})
	}
	if err != nil {
		return err
	}
	return p.report(&Event{Stage: s.Hold.At + s.Hold.Clear}, s)
}

// pointLines is how many lines of source are shown at once.
const pointLines = 14

// point prints a place of the source, read from the reader's own disk. If the source is
// missing, it prints the command that downloads it, and the lesson continues.
func (p *player) point(s *Step) error {
	note, err := p.text(s, s.Point.Note)
	if err != nil {
		return err
	}
	from := p.Source
	if from == nil {
		from = library()
	}
	excerpt, missing := from.Excerpt(s.Point.Symbol, s.Point.Anchor)
	e := &Event{Text: strings.Join(paragraphs(note), " "), Symbol: s.Point.Symbol, Anchor: s.Point.Anchor}
	if missing == nil {
		e.File, e.First, e.Last = excerpt.File, excerpt.First, excerpt.Last
	}
	if err := p.report(e, s); err != nil {
		return err
	}
	return p.print(func(out *screen.Writer) {
		p.block(out, "", 0, e.Text)
		if missing != nil {
			p.block(out, screen.Dim.Paint("  "), 2, screen.Escape(missing.Error()))
			out.Line()
			return
		}
		p.excerpt(out, excerpt)
	})
}

// excerpt prints the symbol, the place in the file, and the lines.
func (p *player) excerpt(out *screen.Writer, e *source.Excerpt) {
	width := p.screen.Columns(p.out)
	symbol, at := e.Symbol, fmt.Sprintf("%s:%d", e.Name, max(e.First, e.MarkFirst))
	if both := symbol + "  " + at; screen.Width(both) <= width-2 {
		out.Line("  ", screen.Dim.Paint(both))
	} else {
		out.Line("  ", screen.Dim.Paint(screen.Middle(symbol, width-2)))
		out.Line("  ", screen.Dim.Paint(screen.Middle(at, width-2)))
	}
	for _, line := range source.Expand(e.Around(pointLines), 4) {
		out.Line(sourceLine(line, width))
	}
	out.Line()
}

// sourceLine formats a line of source: its number, an arrow if the line is marked, and
// its text, cut at the screen's edge.
func sourceLine(line source.Line, width int) string {
	number := screen.Blank(6)
	if line.Number > 0 {
		number = fmt.Sprintf("%6d", line.Number)
	}
	text := screen.Cut(screen.Escape(line.Text()), width-9)
	if line.Marked {
		return screen.Dim.Paint(number) + screen.Warn.Paint(" ▸ ") + screen.Strong.Paint(text)
	}
	return screen.Dim.Paint(number+"   ") + text
}

// chapter prints the title of a chapter and the command that opens it.
func (p *player) chapter(s *Step) error {
	if err := p.report(&Event{Stage: s.Chapter}, s); err != nil {
		return err
	}
	stage, _ := stages.ByName(s.Chapter)
	title := ""
	if c, ok := chapter.Of(stage, p.screen.Lang); ok {
		title = c.Title
	}
	return p.print(func(out *screen.Writer) {
		p.block(out, screen.Dim.Paint("→ "), 2, strings.TrimSpace(fmt.Sprintf("glasskv walk %s   %s", s.Chapter, title)))
		out.Line()
	})
}

// library returns the library of upstream's source. It is made once, and only if a
// lesson points into the source, because that runs the go command.
var library = sync.OnceValue(source.NewLibrary)
