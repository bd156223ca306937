package timeline

import (
	"time"

	"glasskv/walkthrough/screen"
)

// fold leaves out rows that took less than the limit. A row stays when one
// below it in the tree stays, or the way to that would be missing.
func (b *builder) fold(rows []*row, limit time.Duration) []*row {
	if limit <= 0 {
		return rows
	}
	keep := make([]bool, len(rows))
	hidden := 0
	deepest := -1 // the depth of the last kept row that still wants its parents
	for i := len(rows) - 1; i >= 0; i-- {
		depth := screen.Width(rows[i].guide)
		keep[i] = rows[i].took >= int64(limit) || depth < deepest
		switch {
		case !keep[i]:
			hidden++
		default:
			deepest = depth
		}
	}
	out := rows[:0:0]
	for i, r := range rows {
		if keep[i] {
			out = append(out, r)
		}
	}
	if hidden > 0 {
		out = append(out, &row{hidden: hidden, name: b.lang.Say(
			"… %d shorter than %s left out", "… 另有 %d 个不足 %s 的阶段未画出", hidden, screen.Duration(int64(limit)))})
	}
	return out
}

// cut bounds the number of rows.
func (b *builder) cut(rows []*row, limit int) []*row {
	if len(rows) <= limit {
		return rows
	}
	more := len(rows) - limit
	return append(rows[:limit:limit], &row{hidden: more, name: b.lang.Say("… %d more", "… 还有 %d 行", more)})
}
