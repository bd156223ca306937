package command

import (
	"io"
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/summary"
	"glasskv/walkthrough/timeline"
)

// print writes the requests, or what they have in common.
func (o *TimelineOptions) print(w io.Writer, timelines []*trace.Timeline) error {
	switch {
	case o.Show.JSON() && o.Summary:
		return summary.WriteJSON(w, summary.Summarize(timelines))
	case o.Show.JSON():
		for _, t := range timelines {
			if err := timeline.WriteJSON(w, t); err != nil {
				return err
			}
		}
		return nil
	case len(timelines) == 0:
		return o.line(w, screen.Plain, o.Show.Lang().Pick("No request has finished yet.", "还没有请求结束。"))
	case o.Summary:
		return summary.Table(w, summary.Summarize(timelines), o.Show.Screen(w))
	}
	return o.draw(w, timelines)
}

// draw writes each request, a rule between two of them.
func (o *TimelineOptions) draw(w io.Writer, timelines []*trace.Timeline) error {
	opts := timeline.Options{Options: o.Show.Screen(w), Fold: o.Fold}
	for i, t := range timelines {
		if i > 0 {
			rule := "\n" + strings.Repeat("─", opts.Columns(w)) + "\n"
			if err := o.line(w, screen.Dim, rule); err != nil {
				return err
			}
		}
		if err := timeline.Render(w, t, opts); err != nil {
			return err
		}
	}
	return nil
}

func (o *TimelineOptions) line(w io.Writer, role screen.Role, text string) error {
	out := screen.NewWriter(w, o.Show.Screen(w))
	for line := range strings.SplitSeq(text, "\n") {
		out.Line(role.Paint(line))
	}
	return out.Close()
}
