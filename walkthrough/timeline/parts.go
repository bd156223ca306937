package timeline

import (
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// partRow is the row of a request that the server made itself: what it was, and
// what came of it.
func (b *builder) partRow(n *node, guide string) *row {
	part := n.part
	r := &row{
		guide: guide, took: n.took(), under: []span{{part.BeginNS, part.EndNS}}, part: true,
		name: verdict.PartName(part, b.lang),
		note: b.lang.Pick("a request that the server made itself", "服务端自己发起的请求"),
	}
	if part.Code != "" && part.Code != "OK" {
		r.labels = append(r.labels, screen.Escape(part.Code))
	}
	return r
}
