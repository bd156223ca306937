package hold

import (
	"fmt"
	"io"
	"strings"
	"time"

	"glasskv/server/control"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// List writes the breakpoints, and who is held.
func List(w io.Writer, st control.State, o Options) error {
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	width := o.Columns(w)
	out := screen.NewWriter(w, o.Options)
	if len(st.Breaks) == 0 {
		out.Line(o.Lang.Pick("No breakpoint is set. Set one: glasskv hold break raft.propose", "没有断点。设一个：glasskv hold break raft.propose"))
	} else {
		out.Line(screen.Strong.Paint(o.Lang.Pick("breakpoints", "断点")))
	}
	for i := range st.Breaks {
		out.Line("  ", screen.Cut(breakLine(o.Lang, &st.Breaks[i]), width-2))
	}
	if len(st.Holds) == 0 {
		out.Line(o.Lang.Pick("Nobody is held.", "没有请求被停住。"))
	} else {
		out.Line(screen.Strong.Paint(o.Lang.Pick("held", "停住的请求")))
	}
	for i := range st.Holds {
		out.Line("  ", screen.Cut(holdLine(o, &st.Holds[i]), width-2))
	}
	if st.Passed > 0 {
		out.Line(o.Lang.Say("%d requests were let through, because %d were held already.",
			"已有 %[2]d 个请求被停住，另有 %[1]d 个因此直接放行。", st.Passed, control.MaxHolds))
	}
	return out.Close()
}

func breakLine(l lang.Lang, b *control.Break) string {
	parts := []string{screen.Escape(b.Stage)}
	if b.Method != "" {
		parts = append(parts, l.Say("of %s", "方法 %s", screen.Escape(b.Method)))
	}
	if b.KeyPrefix != "" {
		parts = append(parts, l.Say("keys from %s", "键以 %s 开头", screen.Quote(b.KeyPrefix)))
	}
	if b.Timeout != 0 {
		parts = append(parts, l.Say("for %v at most", "最多 %v", b.Timeout))
	}
	if b.Once {
		parts = append(parts, l.Pick("once", "一次"))
	}
	return strings.Join(append(parts, l.Say("held %d so far", "已停住 %d 个", b.Hits)), " · ")
}

func holdLine(o Options, h *control.Hold) string {
	parts := []string{
		fmt.Sprintf("#%d", h.ID), screen.Escape(h.Stage), request(h), because(o.Lang, h.Why),
		o.Lang.Say("since %v", "已停 %v", o.Now.Sub(h.Since).Round(time.Second)),
		o.Lang.Say("%v left", "还剩 %v", max(0, h.Until.Sub(o.Now)).Round(time.Second)),
	}
	if h.HeldUp > 0 {
		parts = append(parts, o.Lang.Say("%d held up with it", "另有 %d 个因此停着", h.HeldUp))
	}
	return strings.Join(parts, " · ")
}
