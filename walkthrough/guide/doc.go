// Package guide shows the catalogue of stages to people: one stage on a page,
// all of them as a tree, and the reference in docs.
//
//	page.go      one stage on a screenful
//	branch.go    one branch of the path on a screenful
//	debug.go     how a request looks on grpc-go's own pages
//	source.go    where upstream's function stands on the reader's disk
//	nearest.go   what somebody meant who mistyped a stage's name
//	tree.go      all stages as a tree
//	json.go      the same for programs
//	markdown.go  docs/stages.md
//
// No upstream code is copied into GlassKV. The page leads to the source of the
// very version that this binary was built with, on the reader's own disk.
package guide
