package timeline

import (
	"slices"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// pausedAt says where somebody made the request wait, each place once.
func (b *builder) pausedAt(n *node, r *row) []string {
	if r.spec == nil || r.spec.Kind != stages.KindHeld {
		return nil
	}
	var places []string
	for _, st := range n.times {
		if at := screen.Escape(st.Attributes[trace.AttrAt]); at != "" && !slices.Contains(places, at) {
			places = append(places, at)
		}
	}
	if len(places) == 0 {
		return nil
	}
	return []string{b.lang.Say("at %s", "在 %s", screen.Cut(strings.Join(places, ", "), longestWhy))}
}

// pauseNote says why somebody made the request wait; where, is said by a label.
// Where the stretches of one row differ, the catalogue's own note stays.
func (b *builder) pauseNote(n *node, r *row) {
	if r.spec == nil || r.spec.Kind != stages.KindHeld {
		return
	}
	first := n.times[0].Attributes
	why := first[trace.AttrWhy]
	for _, st := range n.times {
		if st.Attributes[trace.AttrWhy] != why {
			return
		}
	}
	switch {
	case why == "":
	case r.spec.Stage == stages.Fault:
		r.note = b.lang.Say("fault %s", "故障 %s", screen.Escape(why))
	case why == trace.WhyBehind:
		r.note = b.lang.Pick("another request was held, and this one behind it", "另一个请求被停住，这个排在后面")
	case why == trace.WhyStep:
		r.note = b.lang.Pick("held, one step further", "单步停住")
	}
	if first[trace.AttrEnded] == trace.EndedTimeout {
		r.note += b.lang.Pick(", until its time was up", "，直到时间用完")
	}
}
