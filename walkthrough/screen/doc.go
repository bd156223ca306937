// Package screen knows how things are written on a terminal: numbers with
// their units, text of double width, colours, and what a client sent.
//
//	units.go     durations, percentages and sizes
//	text.go      widths, padding, shortening, wrapping
//	runs.go      pieces with a colour each, broken into lines
//	escape.go    a client's bytes made harmless
//	palette.go   the colours, legible on light and on dark
//	options.go   what kind of screen it is
//	writer.go    the last step: fewer colours, or none, or ASCII only
//
// Nothing here moves the cursor: what is written can be piped, paged and kept.
package screen
