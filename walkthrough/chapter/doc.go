// Package chapter holds a chapter for each stage, in English and in Chinese:
// what happens there, who calls whom on which goroutine, and why it is made so.
// The chapters are the Markdown files in en and zh, embedded; they can be read
// there as they are. They quote no upstream code: a block names a symbol, and
// package source cuts it out of the reader's own module cache.
//
//	chapter.go   Chapter and what it is made of
//	parse.go     one Markdown file
//	library.go   the embedded files, in the order of the path
//	part.go      the parts of the book
//	blessed.go   the code that the chapters were written for
//	check        what must hold for all chapters
//	en, zh       the chapters, a file for each stage, and an index
//
// # How to add a chapter
//
// When the catalogue in trace has a new stage, write en/STAGE.md and zh/STAGE.md:
//
//	# wal.sync: a title of one's own
//
//	A lead paragraph: what the stage is, in two or three sentences.
//
//	## What happens            ## 发生了什么
//	## Who calls whom          ## 谁调用谁
//	## What changes            ## 改变了什么
//	## Why it is so            ## 为什么这样
//	## What can go wrong       ## 会出什么问题
//	## Then and now            ## 当时与现在       (only where upstream has changed)
//	## Look next               ## 接下来看什么
//
// Where the reader should see code stands a fenced block of the kind "source":
// a symbol on its first line and, if it helps, an anchor on its second, as
// package source describes them. The last section ends with a fenced block of
// the kind "jumps", a line for each place to go on to:
//
//	caller google.golang.org/grpc.(*Server).serveStreams
//	callee grpc.processRPC
//	handover grpc.startHandler | a note in the chapter's language
//
// A target is a stage or a symbol. Both languages have the same blocks and the
// same targets. Then
//
//	go run ./scripts/chapters STAGE        checks the chapter
//	go run ./scripts/chapters -bless STAGE remembers the code that it was written for
//	go run ./scripts/chapters -order       numbers the files, links them, and writes the indexes
//
// When a dependency is upgraded, the first of these, for all stages, lists the
// chapters whose code has changed and which have to be read again.
package chapter
