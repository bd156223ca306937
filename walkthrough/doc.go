// Package walkthrough is the reader's side of GlassKV: what people see of a
// request, and what they can ask about it. Its parts are the packages below.
//
//	lang/       the reader's language
//	screen/     text for a terminal: widths, units, colours, escaping
//	timeline/   one request, drawn as a waterfall
//	verdict/    one request, judged in a sentence
//	summary/    many requests, a row for each stage
//	guide/      the catalogue: one stage on a page, all stages as a tree
//	branch/     the branches of grpc-go's path, each to be played and explained
//	chapter/    a chapter about each stage
//	source/     excerpts of upstream's source, read from the reader's own disk
//	show/       the flags that say how to print, and signals
//	command/    the commands explain, stages and timeline
//	client/     a client whose own stages are in the timeline
//	ctl/        the commands that talk to a server: put, get, del, txn and their like
//	demo/       a server, its client and five requests, in one command
//	lesson/     a course: lessons are data files, played live, with checked claims
//	walk/       a request walked through stage by stage, with chapters and source
//	page/       the same walk in a browser
//	hold/       holds requests of a running server where a stage begins
//	fault/      switches faults of a running server on and off
//	yamlfile/   data that people write as YAML, with mistakes reported by file and line
//
// No package here observes requests. They work on a trace.Timeline from any source:
// the server in this process, a remote server, or a file.
package walkthrough
