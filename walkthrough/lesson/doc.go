// Package lesson plays a course about the path of a request, live. A lesson explains,
// makes real requests to a real server in this process, asks the class for
// predictions, shows timelines, compares them, and points into the source.
//
//	lesson.go      a lesson and its steps, read from files
//	check.go       checks of a lesson before it is played: names, languages, claims
//	expression.go  formulas over what was measured, and texts that contain formulas
//	result.go      Result and Request: what formulas can query
//	play.go        one run, step by step; its outcome; its events for programs
//	requests.go    the requests of a step: checked, made, recorded
//	route.go       connections to the server, also slow and narrow ones
//	ask.go         predictions, measured values and claims
//	show.go        printing: texts, timelines, tables, results side by side
//	command.go     `glasskv lesson`, its list, the teacher's page
//
// # How to add a lesson
//
// A lesson needs no Go. Make a folder lessons/NAME with three files: lesson.yaml, which
// is played, and teacher.md and teacher.zh.md, which are for the teacher. Try it with
// `glasskv lesson --file DIR`; with --auto it runs as in the tests. Mistakes are
// reported as file:line.
//
//	title: {en: …, zh: …}
//	order: 20                        # its place in the course
//	minutes: 8                       # in class
//	server: {tls: true}              # see Server; by default it is the demo's
//	steps:
//	  - say: {en: …, zh: …}          # paragraphs are separated by an empty line
//	  - ask:
//	      name: fsyncs
//	      question: {en: …, zh: …}
//	      answer: writes.batches("wal.sync")     # a number; choices have `right` instead
//	  - do: {name: writes, op: put, count: 160, clients: 16}
//	  - reveal: fsyncs               # the answer is computed here
//	  - show: {timeline: writes.slowest}
//	  - claim:
//	      text: {en: "${writes.count} writes, ${writes.batches("wal.sync")} fsyncs", zh: …}
//	      check: writes.batches("wal.sync") * 2 < writes.count
//	  - point: {symbol: …, anchor: …, note: {en: …, zh: …}}
//	  - chapter: wal.sync
//
// A text may contain formulas, written ${…}, in the language of
// github.com/expr-lang/expr. They refer to names that earlier steps define: the results
// of `do`, `together` and `in-turn` (Result and Request list their fields), and the
// numbers of `measure`. Durations are in nanoseconds; time(…), percent(…), bytes(…) and
// times(…) format them for people.
//
// A text is in English and Chinese, and may be in any other language of lang.Languages;
// what is missing there is shown in English. The teacher's page in another language is
// teacher.LANGUAGE.md.
//
// A claim states what the run showed. Each figure in its text must be a formula, and
// its `check` must test what its text says. A lesson makes at least two claims. They
// must hold on a busy machine, too: compare orders, ratios, counts and medians of many
// requests, never a time with a fixed number.
package lesson
