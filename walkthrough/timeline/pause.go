package timeline

import (
	"slices"
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

// pausedAt lists where somebody made the request wait, each place once.
func pausedAt(n *node, r *row) string {
	if r.spec == nil || r.spec.Kind != trace.KindHeld {
		return ""
	}
	var places []string
	for _, st := range n.times {
		if at := screen.Escape(st.Attributes[trace.AttrAt]); at != "" && !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	return screen.Cut(strings.Join(places, ", "), longestWhy)
}

// pauseNote says of a wait that somebody put in where it was and why. Where the
// stretches of one row differ, the catalogue's own note stays.
func (b *builder) pauseNote(n *node, r *row) {
	if r.spec == nil || r.spec.Kind != trace.KindHeld {
		return
	}
	first := n.times[0].Attributes
	at, why := first[trace.AttrAt], first[trace.AttrWhy]
	for _, st := range n.times {
		if st.Attributes[trace.AttrAt] != at || st.Attributes[trace.AttrWhy] != why {
			return
		}
	}
	at = screen.Escape(at)
	switch {
	case at == "":
	case r.spec.Stage == trace.Fault:
		r.note = b.lang.Say("fault %s, at %s", "故障 %s，在 %s 处", screen.Escape(why), at)
	case why == trace.WhyBehind:
		r.note = b.lang.Say("another request was held at %s", "另一个请求停在 %s", at)
	case why == trace.WhyStep:
		r.note = b.lang.Say("held at %s, one step further", "单步停在 %s", at)
	default:
		r.note = b.lang.Say("held at %s by a breakpoint", "被断点停在 %s", at)
	}
	if first[trace.AttrEnded] == trace.EndedTimeout {
		r.note += b.lang.Pick(", until its time was up", "，直到时间用完")
	}
}
