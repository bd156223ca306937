// Package walkthrough is the reader's side of GlassKV: what people see of a
// request, and what they can ask about it. The parts are in the folders below.
//
//	lang/       the reader's language
//	screen/     how things are written on a terminal
//	timeline/   one request, drawn as a waterfall
//	verdict/    one request, judged in a sentence
//	summary/    many requests, a row for each stage
//	guide/      the catalogue: one stage on a page, all stages as a tree
//	branch/     the branches of grpc-go's path, each to be played and explained
//	chapter/    a chapter about each stage
//	source/     upstream's source, cut out of the reader's own disk
//	show/       the flags that say how to print
//	command/    the commands explain, stages and timeline
//	client/     a client whose own stages are in the timeline
//	ctl/        the commands that talk to a server: put, get, del, txn and their like
//	demo/       a server, its client and five requests, in one command
//	lesson/     a course: lessons that are data, played live, their claims checked
//	walk/       a request walked through stage by stage, with chapters and source
//	page/       the same walk in a browser
//	hold/       requests of a running server, held where a stage begins
//	fault/      faults of a running server, switched on and off
//
// Nothing here observes a request. It works on trace.Timeline, wherever that
// comes from: the server in this process, one far away, or a file.
package walkthrough
