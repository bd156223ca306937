package walk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
	"glasskv/walkthrough/walk/tour"
)

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
	Kind     trace.Kind   `json:"kind,omitempty"`
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
	spec := trace.SpecOf(s.Stage)
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
