// Package lesson plays a course about the path of a request, live: a lesson says
// something, makes real requests of a real server in this process, asks the class
// for a prediction, shows the timeline, compares, and points into the source.
//
//	lesson.go      a lesson and its steps, as the file says them
//	load.go        reading the files; mistakes are told with file and line
//	check.go       what a file cannot get wrong: names, languages, claims
//	expression.go  the formulas over what was measured
//	text.go        texts with measured values in them
//	result.go      what formulas can ask of many requests
//	request.go     what they can ask of one
//	play.go        one run, step by step
//	claim.go       measured numbers, and what the run is claimed to have shown
//	report.go      what came of it, and the same for programs
//	requests.go    the requests of a step, checked
//	round.go       and made: how many at once, together or in turn
//	collect.go     what the client and the server recorded of them, put together
//	operation.go   what each of them is
//	watch.go       writes that are watched
//	way.go         connections, also long and narrow ones
//	relay.go       a line that takes its time
//	fault.go       faults that a step switches on and off
//	hold.go        requests that are held where a stage begins
//	ask.go         predictions, and how they turned out
//	show.go        timelines and tables
//	beside.go      several results side by side
//	point.go       places in the source, chapters
//	command.go     `glasskv lesson`
//	list.go        its list
//	teacher.go     the page for whoever gives a lesson
//
// # How to add a lesson
//
// A lesson needs no Go. Make a folder lessons/NAME with three files: lesson.yaml is
// what is played, teacher.md and teacher.zh.md are for whoever gives it. Try it with
// `glasskv lesson --file DIR`, and with --auto as the tests play it. A mistake is
// reported as file:line.
//
//	title: {en: …, zh: …}
//	order: 20                        # its place in the course
//	minutes: 8                       # in class
//	server: {tls: true}              # see Server; left out: as the demo's
//	steps:
//	  - say: {en: …, zh: …}          # paragraphs are separated by an empty line
//	  - ask:
//	      name: fsyncs
//	      question: {en: …, zh: …}
//	      answer: writes.batches("wal.sync")     # a number; choices have `right` instead
//	  - do: {name: writes, op: put, count: 160, clients: 16}
//	  - reveal: fsyncs               # only now the answer is worked out
//	  - show: {timeline: writes.slowest}
//	  - claim:
//	      text: {en: "${writes.count} writes, ${writes.batches("wal.sync")} fsyncs", zh: …}
//	      check: writes.batches("wal.sync") * 2 < writes.count
//	  - point: {symbol: …, anchor: …, note: {en: …, zh: …}}
//	  - chapter: wal.sync
//
// A text may hold formulas as ${…}. They are those of github.com/expr-lang/expr, over
// the names that steps before have given: a result of `do`, `together` or `in-turn`
// (see Result and Request for what can be asked of it), and the numbers of `measure`.
// Durations are in nanoseconds; time(…), percent(…), bytes(…) and times(…) write
// them for people.
//
// What a claim says must be what the run showed, so a figure in its text has to be
// a formula, and what it compares has to be what `check` compares. A lesson makes two
// at least. They hold on a busy machine as well: compare orders, ratios and counts,
// medians of many requests, and never a time with a fixed number.
package lesson
