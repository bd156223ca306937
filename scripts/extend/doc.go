// Package extend follows the recipes of docs/extending.md in a copy of the repository.
//
//	go test ./scripts/extend                       # the document lists the files that each example touches
//	go test ./scripts/extend -full -timeout 20m    # and each example works, and not without some of its files
//
// Each recipe has an example that is made for the purpose: a stage, a branch, a lesson, a
// language, an exporter. The test takes the lists of files and the commands from the
// document. The five examples go into the same copy, so that it is compiled once.
//
//	extend_test.go    what the document and the copy must fulfil
//	document_test.go  the recipes as the document has them
//	examples_test.go  the five examples: edits, checks, and files that cannot be left out
//	copy_test.go      a copy of the repository, and commands run in it
//	testdata          the files that the examples add
package extend
