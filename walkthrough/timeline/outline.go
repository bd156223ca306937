package timeline

import (
	"glasskv/trace"
	"glasskv/walkthrough/lang"
)

// Entry is one line of the tree of stages, as it is drawn: a stage, or several of
// one name inside one parent, such as the messages of a stream. Or it is a request
// that the server made itself.
type Entry struct {
	Times []*trace.StageTime // in the timeline's order; empty for a part
	Part  *trace.Part        // nil for a stage
	Depth int                // levels below the top
}

// Outline returns the tree from top to bottom: first the connection's stages, then
// the request's. It is the order in which one walks through a request.
func Outline(t *trace.Timeline) []Entry {
	p := picture{t: t}
	conn, own := p.split()
	out := make([]Entry, 0, len(t.Stages)+len(t.Parts))
	for _, stages := range [][]*trace.StageTime{conn, own} {
		out = appendEntries(out, forest(t, stages), 0)
	}
	return out
}

func appendEntries(out []Entry, nodes []*node, depth int) []Entry {
	for _, n := range nodes {
		out = append(out, Entry{Times: n.times, Part: n.part, Depth: depth})
		out = appendEntries(out, n.children, depth+1)
	}
	return out
}

// Labels says what has to be said of an entry beside its times: with how many it
// was shared, that it had not ended. What a client sent is escaped.
func (e Entry) Labels(t *trace.Timeline, l lang.Lang) []string {
	if len(e.Times) == 0 {
		return nil
	}
	return newBuilder(t, l).row(&node{times: e.Times}, "").labels
}

// Why says in the reader's language why a stage was not reached: one of trace's Why
// constants.
func Why(why string, l lang.Lang) string { return (&picture{lang: l}).why(why) }
