// Package page is the walk through a request in a browser: the waterfall of a real
// request, and beside it the chapter and the source of the stage at which one
// stands. It is served on the loopback interface and needs nothing from elsewhere.
//
//	serve.go     the listener, and the server around the handler
//	access.go    who is answered, and what a browser may do with the answer
//	handler.go   the addresses, and which view each of them is
//	make.go      the button that makes a request
//	book.go      the requests that can be looked at
//	entries.go   the same as a list
//	visit.go     what one request for a page asks for: which tour, which stop, which language
//	view.go      what the templates are given
//	waterfall.go the rows and bars
//	bar.go       where a bar stands, in percent
//	stop.go      a stop: where it is, how long it took, what there is to read
//	jumps.go     where one can go from there
//	chapter.go   a chapter, its source in place
//	markdown.go  its text as HTML
//	code.go      its source as HTML
//	symbols.go   which source is shown: what a chapter or the catalogue names
//	control.go   holds and faults, for the script
//	steer.go     the same of a server in this process
//	refusal.go   what is said when there is no such page
//	templates/   the HTML
//	static/      style and script
//
// The addresses, of which those that change something are POST:
//
//	/                          the first stop of the newest request
//	/r/TRACE/STAGE             a stop; ?lang=en or zh, ?symbol= for source, ?print=all for the whole walk
//	/fragment/r/TRACE/STAGE    the stop alone, for the script
//	/requests/r/TRACE/STAGE    the list of requests, likewise
//	/stages/r/TRACE            every stage that there is a chapter about, likewise
//	/make                      makes a request and leads to it
//	/control/…                 holds and switches faults, for the script; where the server lets us
//	/static/NAME
//
// A page is whole without the script: it makes going from stop to stop quick, and
// adds keys. What clients sent is escaped twice: by package screen for what is
// invisible, and by html/template for what HTML would take for its own.
package page
