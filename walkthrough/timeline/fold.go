package timeline

import (
	"time"

	"glasskv/walkthrough/screen"
)

// fold leaves out stages that took less than the limit. One stays when a longer
// one is inside it, or the way to that would be missing.
func fold(nodes []*node, limit time.Duration) (kept []*node, hidden int) {
	for _, n := range nodes {
		inner, h := fold(n.children, limit)
		n.children, hidden = inner, hidden+h
		if len(inner) > 0 || n.took() >= int64(limit) {
			kept = append(kept, n)
		} else {
			hidden++
		}
	}
	return kept, hidden
}

// leftOut adds a row that says how many are missing.
func (b *builder) leftOut(folded int, limit time.Duration) {
	if folded > 0 {
		b.rows = append(b.rows, &row{hidden: folded, name: b.lang.Say("… %d shorter than %s left out",
			"… 另有 %d 个不足 %s 的阶段未画出", folded, screen.Duration(int64(limit)))})
	}
	if b.more > 0 {
		b.rows = append(b.rows, &row{hidden: b.more, name: b.lang.Say("… %d more", "… 还有 %d 行", b.more)})
	}
}
