// Package stages is the catalogue: every stage of a request's path, declared once, with
// its name, its place among the others, how exactly its edges are known, and the
// upstream function that does its work.
//
// It is a table. What a stage says to people is the front matter of its chapter, in
// walkthrough/chapter.
//
//	stage.go       the stages, in the order of the path
//	catalogue.go   Spec, and how a stage is found
//	catalogue_*.go the entries, in the order of the path
//
// It imports nothing but the standard library.
package stages
