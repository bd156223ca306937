// Package lesson plays a course about the path of a request, live: a lesson says
// something, makes real requests of a real server in this process, asks the class
// for a prediction, shows the timeline, compares, and points into the source.
//
//	lesson.go      a lesson and its steps, read from files; mistakes are told with file and line
//	check.go       what a file cannot get wrong: names, languages, claims
//	expression.go  formulas over what was measured, and texts with formulas in them
//	result.go      what formulas can ask of many requests, and of one
//	play.go        one run, step by step; its report, for people and for programs
//	requests.go    the requests of a step: checked, made, recorded
//	way.go         connections, also long and narrow ones
//	ask.go         predictions and claims, and how they turned out
//	show.go        timelines, tables, results side by side
//	command.go     `glasskv lesson`, its list, the teacher's page
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
