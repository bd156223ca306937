// Package walk is the companion in the terminal: `glasskv walk` goes through a real
// request stage by stage, with the chapter about each and the source that did the
// work, in the version that ran.
//
//	command.go   the command and its flags
//	origin.go    where the request comes from: made now, of a running server, of a file
//	run.go       which of the views it is
//	signals.go   how it ends when it is told to, or nobody reads on
//
//	facts.go     what is said of a stop in every view
//	plain.go     text from top to bottom, for pipes and screen readers
//	json.go      for programs
//
//	web.go       the page in a browser; package page makes it
//	terminal.go  the program on a terminal, and how it leaves it
//	model.go     what the screen shows: a place, the way to it, what lies over it
//	place.go     one place: a stop or a piece of source; going on and back
//	update.go    what happens on a message
//	keys.go      the keys, each with its help
//	view.go      the screen's parts put together
//	stops.go     the list of stops, with bars
//	pages.go     the chapter and the source as lines, kept
//	pane.go      a part of the screen that scrolls
//	picker.go    a list to choose from: requests, stops, jumps
//	pickers.go   these lists
//	callees.go   what a function calls, as its source tells
//	held.go      a request held where a stage begins
//	steer.go     the server that holds it, in this process or in another
//
// What they all show is made by the package tour below; prose draws Markdown.
package walk
