package walk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/verdict"
	"glasskv/walkthrough/walk/prose"
	"glasskv/walkthrough/walk/tour"
)

// middot separates the facts in a line.
const middot = " · "

// facts says when a stop was, how long it took, and how long the request waited in it.
// Of a stage that the request did not pass, it says why.
func facts(t *tour.Tour, s *tour.Stop, l lang.Lang) []string {
	if s.Row == nil && s.Part == nil {
		why := t.Missing(s.Stage, l)
		if why == "" {
			return []string{l.Pick("this request did not pass here", "这个请求没有经过这里")}
		}
		return []string{l.Say("this request did not pass here: %s", "这个请求没有经过这里：%s", why)}
	}
	out := []string{l.Say("took %s", "用时 %s", screen.Duration(s.Took))}
	if isConnLife(s) {
		out = nil
	}
	if s.Waited > 0 {
		out = append(out, l.Say("the request waited in it for %s, %s", "请求在其中等了 %s，占 %s", screen.Duration(s.Waited), shareOf(t, s.Waited)))
	} else if s.Part == nil {
		out = append(out, l.Pick("the request did not wait at this stop itself", "请求没有在它自身上等待"))
	}
	begin, end := bounds(s)
	switch {
	case isConnLife(s):
	case end <= 0 && begin < 0:
		out = append(out, l.Say("began %s before the request", "早于请求 %s 开始", screen.Duration(-begin)))
	case end == begin:
		out = append(out, l.Say("at %s", "在 %s 处", screen.Duration(begin)))
	default:
		out = append(out, l.Say("from %s to %s", "从 %s 到 %s", screen.Duration(begin), screen.Duration(end)))
	}
	if s.Stage != stages.None && !isConnLife(s) {
		out = append(out, l.Kind(stages.SpecOf(s.Stage).Kind))
	}
	return append(out, t.Labels(s, l)...)
}

// isConnLife reports whether a stop is the life of a connection. It has a duration, but
// no request waits for it.
func isConnLife(s *tour.Stop) bool {
	return s.Row != nil && s.Stage != stages.None && stages.SpecOf(s.Stage).Kind == stages.KindNone
}

// bounds returns the begin and end times of a stop, in nanoseconds from the request's start.
func bounds(s *tour.Stop) (begin, end int64) {
	if s.Part != nil {
		return s.Part.BeginNS, s.Part.EndNS
	}
	begin, end = s.Row.BeginNS, s.Row.EndNS
	for _, st := range s.Times[1:] {
		begin, end = min(begin, st.BeginNS), max(end, st.EndNS)
	}
	return begin, end
}

// shareOf returns ns as a percentage of the request's duration.
func shareOf(t *tour.Tour, ns int64) string {
	return screen.Percent(float64(ns) / float64(max(1, t.Timeline.DurationNS)))
}

// stopName returns the name of a stop: the span's, or the operation of a request that
// the server made itself. It is escaped.
func stopName(s *tour.Stop, l lang.Lang) string {
	if s.Part != nil {
		return verdict.PartName(s.Part, l)
	}
	return screen.Escape(s.Name)
}

// headline returns the request's operation, its outcome, and its duration.
func headline(t *trace.Timeline, l lang.Lang) (title, code, took string) {
	code = verdict.Outcome(t, l)
	if code == "" {
		code = screen.Escape(t.Code)
	}
	return verdict.Operation(t, l), code, screen.Duration(t.DurationNS)
}

// shortName returns a symbol such as "wal.(*WAL).sync", escaped.
func shortName(symbol string) string { return screen.Escape(tour.ShortName(symbol)) }

// excerptLines is how many lines of a long function are printed: its head, and the lines
// around the statement that the chapter quotes.
const excerptLines = 28

// plain prints the walk as text. It draws no boxes and no bars, because screen readers
// read it too.
type plain struct {
	tour      *tour.Tour
	opts      screen.Options
	width     int
	out       *screen.Writer
	printedAt map[stages.Stage]int // the number of the stop with which the stage's chapter was printed
}

// writePlain writes each stop: a heading, the times, the chapter with the source that it
// quotes, and the jumps.
func writePlain(w io.Writer, t *tour.Tour, o *options) error {
	opts := o.Show.Screen(w)
	p := &plain{tour: t, opts: opts, width: opts.Columns(w), out: screen.NewWriter(w, opts), printedAt: make(map[stages.Stage]int)}
	p.opening()
	first, stops := o.stops(t)
	for i := range stops {
		p.stop(first+i+1, &stops[i])
	}
	return p.out.Close()
}

func (p *plain) opening() {
	l := p.opts.Lang
	title, code, took := headline(p.tour.Timeline, l)
	if code != "" { // another program's request may have none
		code += middot
	}
	p.out.Line(screen.Strong.Paint(title), middot, code, took)
	if v := verdict.Of(p.tour.Timeline, l); v.Sentence != "" {
		p.wrap(v.Sentence, screen.Plain)
	}
	p.out.Line(l.Say("%d stops", "共 %d 站", len(p.tour.Stops)))
}

func (p *plain) wrap(text string, role screen.Role) {
	for _, line := range screen.Wrap(text, p.width) {
		p.out.Line(role.Paint(line))
	}
}

// stop prints one stop. It prints a stage's chapter only with the first stop at the stage.
func (p *plain) stop(number int, s *tour.Stop) {
	l := p.opts.Lang
	p.out.Line()
	p.out.Line()
	heading := stopName(s, l)
	c, written := s.Chapter(l)
	if written {
		heading += l.Pick(": ", "：") + screen.Escape(c.Title)
	}
	if number > 0 {
		heading = l.Say("%d of %d · %s", "第 %d 站，共 %d 站 · %s", number, len(p.tour.Stops), heading)
	}
	p.wrap("# "+heading, screen.Strong)
	p.wrap(strings.Join(facts(p.tour, s, l), middot), screen.Dim)
	if before := p.printedAt[s.Stage]; before > 0 {
		p.out.Line()
		p.wrap(l.Say("The chapter is at stop %d.", "正文见第 %d 站。", before), screen.Plain)
		return
	}
	p.out.Line()
	if s.Stage != stages.None {
		p.printedAt[s.Stage] = number
	}
	if !written {
		p.lines(catalogueText(s, l, p.width))
		return
	}
	for _, b := range c.Blocks {
		if b.Source == nil {
			p.lines(prose.Lines(b.Markdown, p.width))
		} else {
			p.source(*b.Source)
		}
		p.out.Line()
	}
	p.jumps(s)
}

func (p *plain) lines(lines []string) {
	for _, line := range lines {
		p.out.Line(line)
	}
}

// jumps prints the jumps from a stop, and what to type for them.
func (p *plain) jumps(s *tour.Stop) {
	all := p.tour.Jumps(s, p.opts.Lang)
	for i := range all {
		j := &all[i]
		text := jumpWord(j.Kind, p.opts.Lang) + " " + jumpName(j)
		if j.Note != "" {
			text += " — " + screen.Escape(j.Note)
		}
		switch {
		case j.Stop >= 0:
			text += p.opts.Lang.Say(" (stop %d)", "（第 %d 站）", j.Stop+1)
		case j.Stage != stages.None:
			text += p.opts.Lang.Say(" (glasskv walk %s)", "（glasskv walk %s）", j.Stage)
		}
		p.wrap(text, screen.Network)
	}
}

// source prints a piece of source. If it is not on this disk, it prints what to run.
func (p *plain) source(q chapter.Quote) {
	e, err := p.tour.Excerpt(q)
	if e == nil {
		p.wrap(fmt.Sprintf("%s: %s", shortName(q.Symbol), whyNoSource(err, p.opts.Lang)), screen.Warn)
		return
	}
	p.wrap(fmt.Sprintf("%s%s%s:%d%s%s", shortName(q.Symbol), middot, screen.Escape(e.Name), e.First, middot, screen.Escape(e.Module)), screen.Dim)
	p.lines(layoutSource(e.Around(excerptLines), p.width).withRemarks(remarks(e, err, p.opts.Lang), p.width).lines)
}

// stopJSON is a stop in JSON. Times are in nanoseconds from the request's start.
type stopJSON struct {
	TraceID  string       `json:"trace_id"`
	Number   int          `json:"number,omitempty"` // from 1; 0 for a stage that the request did not pass
	Stage    string       `json:"stage"`
	Depth    int          `json:"depth"`
	BeginNS  int64        `json:"begin_ns"`
	EndNS    int64        `json:"end_ns"`
	TookNS   int64        `json:"took_ns"`
	WaitedNS int64        `json:"waited_ns"`
	Kind     stages.Kind  `json:"kind,omitempty"`
	Missing  string       `json:"missing,omitempty"` // why the request did not pass it
	Symbol   string       `json:"symbol,omitempty"`  // the upstream function of the stage
	Chapter  *chapterJSON `json:"chapter,omitempty"`
	Sources  []sourceJSON `json:"sources,omitempty"`
	Jumps    []jumpJSON   `json:"jumps,omitempty"`
}

type chapterJSON struct {
	Lang     lang.Lang `json:"lang"`
	Title    string    `json:"title"`
	Markdown string    `json:"markdown"`
}

type sourceJSON struct {
	Symbol    string `json:"symbol"`
	Anchor    string `json:"anchor,omitempty"`
	Module    string `json:"module,omitempty"`
	File      string `json:"file,omitempty"`
	First     int    `json:"first_line,omitempty"`
	Last      int    `json:"last_line,omitempty"`
	MarkFirst int    `json:"mark_first_line,omitempty"`
	MarkLast  int    `json:"mark_last_line,omitempty"`
	URL       string `json:"url,omitempty"`
	// WrittenFor is the version that the chapter was written for, if its code is
	// different.
	WrittenFor string `json:"written_for,omitempty"`
	Error      string `json:"error,omitempty"`
	Run        string `json:"run,omitempty"` // the command that downloads the source
}

type jumpJSON struct {
	Kind   chapter.JumpKind `json:"kind"`
	Target string           `json:"target"`
	Stop   int              `json:"stop,omitempty"` // from 1
	Note   string           `json:"note,omitempty"`
}

// writeJSON writes each stop as an object in a line.
func writeJSON(w io.Writer, t *tour.Tour, o *options) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	first, stops := o.stops(t)
	for i := range stops {
		if err := enc.Encode(stopObject(t, &stops[i], first+i+1, o.Show.Lang())); err != nil {
			return fmt.Errorf("write stop: %w", err)
		}
	}
	return nil
}

func stopObject(t *tour.Tour, s *tour.Stop, number int, l lang.Lang) *stopJSON {
	spec := stages.SpecOf(s.Stage)
	out := &stopJSON{
		TraceID: t.Timeline.TraceID, Number: number, Stage: s.Name, Depth: s.Depth,
		TookNS: s.Took, WaitedNS: s.Waited, Kind: spec.Kind,
	}
	if s.Row == nil && s.Part == nil {
		out.Missing = t.Missing(s.Stage, lang.EN)
	} else {
		out.BeginNS, out.EndNS = bounds(s)
	}
	if spec.Upstream.Name != "" {
		out.Symbol = spec.Upstream.Path()
	}
	if c, ok := s.Chapter(l); ok {
		out.Chapter = &chapterJSON{c.Lang, c.Title, markdownOf(c)}
	}
	for _, q := range s.Quotes(l) {
		out.Sources = append(out.Sources, sourceObject(t, q))
	}
	for _, j := range t.Jumps(s, l) {
		out.Jumps = append(out.Jumps, jumpJSON{j.Kind, j.Name(), j.Stop + 1, j.Note})
	}
	return out
}

// markdownOf returns a chapter's Markdown. Quotes of source are as in the chapter's file.
func markdownOf(c *chapter.Chapter) string {
	blocks := make([]string, 0, len(c.Blocks))
	for _, b := range c.Blocks {
		if b.Source == nil {
			blocks = append(blocks, b.Markdown)
			continue
		}
		blocks = append(blocks, strings.TrimRight("```source\n"+b.Source.Symbol+"\n"+b.Source.Anchor, "\n")+"\n```")
	}
	return strings.Join(blocks, "\n\n")
}

func sourceObject(t *tour.Tour, q chapter.Quote) sourceJSON {
	out := sourceJSON{Symbol: q.Symbol, Anchor: q.Anchor}
	e, err := t.Excerpt(q)
	if err != nil {
		out.Error = err.Error()
		if here, ok := errors.AsType[*source.NotHereError](err); ok {
			out.Run = here.Command
		}
	}
	if e != nil {
		out.Module, out.File, out.URL = e.Module, e.File, e.URL
		out.First, out.Last, out.MarkFirst, out.MarkLast = e.First, e.Last, e.MarkFirst, e.MarkLast
		out.WrittenFor = writtenFor(e)
	}
	return out
}
