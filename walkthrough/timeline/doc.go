// Package timeline draws one request: a waterfall on a common axis that a
// person reads from top to bottom.
//
//	render.go    the order of the parts
//	headline.go  what was asked, what came of it, who saw it
//	tree.go      the stages nested as they were
//	outline.go   the tree for those who walk through it
//	fold.go      rows that are left out, and a word about it
//	rows.go      one stage, or a row of repeats, made ready to be drawn
//	labels.go    what has to be said of a stage even where there is no room for a note
//	parts.go     a request that the server made to answer this one
//	columns.go   which column has how much room
//	axis.go      the axis above the bars
//	bar.go       a bar with the precision of an eighth of a column
//	waterfall.go a row or a section written out
//	missing.go   what did not happen, and what contradicts itself
//	chart.go     all of it for those who draw elsewhere than on a terminal
//	legend.go    the signs that were used, and the kinds of time
//	json.go      the same for programs
//
// A bar is strong where the request was waiting in the stage itself and thin
// where the stage was under way while the request waited elsewhere: in a child
// of it, or in something beside it. The strong parts of all rows together are
// the ledger. They neither overlap nor leave a gap, so the column of shares adds
// up to the whole.
package timeline
