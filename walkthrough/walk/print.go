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

// between stands between the facts of a line.
const between = " · "

// facts say of a stop when it was, how long it took, and how long the request waited
// in it; of a stage that the request did not pass, why.
func facts(t *tour.Tour, s *tour.Stop, l lang.Lang) []string {
	if s.Row == nil && s.Part == nil {
		why := t.Missing(s.Stage, l)
		if why == "" {
			return []string{l.Pick("this request did not pass here", "这个请求没有经过这里")}
		}
		return []string{l.Say("this request did not pass here: %s", "这个请求没有经过这里：%s", why)}
	}
	out := []string{l.Say("took %s", "用时 %s", screen.Duration(s.Took))}
	if life(s) {
		out = nil
	}
	if s.Waited > 0 {
		out = append(out, l.Say("the request waited in it for %s, %s", "请求在其中等了 %s，占 %s", screen.Duration(s.Waited), shareOf(t, s.Waited)))
	} else if s.Part == nil {
		out = append(out, l.Pick("the request did not wait in it itself", "请求没有在它自身上等待"))
	}
	begin, end := bounds(s)
	switch {
	case life(s):
	case end <= 0 && begin < 0:
		out = append(out, l.Say("began %s before the request", "早于请求 %s 开始", screen.Duration(-begin)))
	case end == begin:
		out = append(out, l.Say("at %s", "在 %s 处", screen.Duration(begin)))
	default:
		out = append(out, l.Say("from %s to %s", "从 %s 到 %s", screen.Duration(begin), screen.Duration(end)))
	}
	if s.Stage != stages.None && !life(s) {
		out = append(out, l.Kind(stages.SpecOf(s.Stage).Kind))
	}
	return append(out, t.Labels(s, l)...)
}

// life reports whether a stop is a connection's life: it has a length, and nobody
// waits for it.
func life(s *tour.Stop) bool {
	return s.Row != nil && s.Stage != stages.None && stages.SpecOf(s.Stage).Kind == stages.KindNone
}

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

func shareOf(t *tour.Tour, ns int64) string {
	return screen.Percent(float64(ns) / float64(max(1, t.Timeline.DurationNS)))
}

// name is what a stop is called; of a request that the server made itself, what it
// asked. It is escaped.
func name(s *tour.Stop, l lang.Lang) string {
	if s.Part != nil {
		return verdict.PartName(s.Part, l)
	}
	return screen.Escape(s.Name)
}

// headline says which request it is, what came of it, and how long it took.
func headline(t *trace.Timeline, l lang.Lang) (title, code, took string) {
	code = verdict.Outcome(t, l)
	if code == "" {
		code = screen.Escape(t.Code)
	}
	return verdict.Operation(t, l), code, screen.Duration(t.DurationNS)
}

// short is a symbol as one says it: "wal.(*WAL).sync".
func short(symbol string) string {
	slash := strings.LastIndexByte(symbol, '/')
	dot := strings.IndexByte(symbol[slash+1:], '.')
	if dot < 0 {
		return screen.Escape(symbol)
	}
	at := slash + 1 + dot
	return screen.Escape(stages.Symbol{Package: symbol[:at], Name: symbol[at+1:]}.String())
}

// excerptLines is how much of a long function is printed: its head, and what stands
// around the statement in question.
const excerptLines = 28

// plain is the walk as text. It draws no boxes and no bars: it is read out as well.
type plain struct {
	tour  *tour.Tour
	opts  screen.Options
	width int
	out   *screen.Writer
	told  map[stages.Stage]int // the number of the stop at which a chapter was printed
}

// writePlain writes stop after stop: a heading, the times, the chapter with the
// source in its place, where one could go.
func writePlain(w io.Writer, t *tour.Tour, o *Options) error {
	opts := o.Show.Screen(w)
	p := &plain{tour: t, opts: opts, width: opts.Columns(w), out: screen.NewWriter(w, opts), told: make(map[stages.Stage]int)}
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
		code += between
	}
	p.out.Line(screen.Strong.Paint(title), between, code, took)
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

// stop writes one stop. A stage's chapter is printed where the path first passes it.
func (p *plain) stop(number int, s *tour.Stop) {
	l := p.opts.Lang
	p.out.Line()
	p.out.Line()
	heading := name(s, l)
	c, written := s.Chapter(l)
	if written {
		heading += l.Pick(": ", "：") + screen.Escape(c.Title)
	}
	if number > 0 {
		heading = l.Say("%d of %d · %s", "第 %d 站，共 %d 站 · %s", number, len(p.tour.Stops), heading)
	}
	p.wrap("# "+heading, screen.Strong)
	p.wrap(strings.Join(facts(p.tour, s, l), between), screen.Dim)
	if before := p.told[s.Stage]; before > 0 {
		p.out.Line()
		p.wrap(l.Say("The chapter stands at stop %d.", "正文见第 %d 站。", before), screen.Plain)
		return
	}
	p.out.Line()
	if s.Stage != stages.None {
		p.told[s.Stage] = number
	}
	if !written {
		p.lines(unwritten(s, l, p.width))
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

// jumps writes where one could go, and what to type for it.
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

// source writes a piece of source, or what to run where it is not on this disk.
func (p *plain) source(q chapter.Quote) {
	e, err := p.tour.Excerpt(q)
	if e == nil {
		p.wrap(fmt.Sprintf("%s: %s", short(q.Symbol), missing(err, p.opts.Lang)), screen.Warn)
		return
	}
	p.wrap(fmt.Sprintf("%s%s%s:%d%s%s", short(q.Symbol), between, screen.Escape(e.Name), e.First, between, screen.Escape(e.Module)), screen.Dim)
	p.lines(sourcePage(e.Around(excerptLines), p.width).under(remarks(e, err, p.opts.Lang), p.width).lines)
}

// stopJSON is a stop as programs read it. Times are nanoseconds from the request's
// begin.
type stopJSON struct {
	TraceID  string       `json:"trace_id"`
	Number   int          `json:"number,omitempty"` // from 1; none for a stage that the request did not pass
	Stage    string       `json:"stage"`
	Depth    int          `json:"depth"`
	BeginNS  int64        `json:"begin_ns"`
	EndNS    int64        `json:"end_ns"`
	TookNS   int64        `json:"took_ns"`
	WaitedNS int64        `json:"waited_ns"`
	Kind     stages.Kind  `json:"kind,omitempty"`
	Missing  string       `json:"missing,omitempty"` // why the request did not pass it
	Symbol   string       `json:"symbol,omitempty"`  // the upstream function that the stage stands for
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
	// WrittenFor is the version that the chapter was written for, where its code is not
	// this.
	WrittenFor string `json:"written_for,omitempty"`
	Error      string `json:"error,omitempty"`
	Run        string `json:"run,omitempty"` // what brings the source onto this disk
}

type jumpJSON struct {
	Kind   chapter.JumpKind `json:"kind"`
	Target string           `json:"target"`
	Stop   int              `json:"stop,omitempty"` // from 1
	Note   string           `json:"note,omitempty"`
}

// writeJSON writes an object a line, each a stop.
func writeJSON(w io.Writer, t *tour.Tour, o *Options) error {
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
		out.Symbol = spec.Upstream.Package + "." + spec.Upstream.Name
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

// markdownOf puts a chapter's prose together again. A place in the source is named.
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
