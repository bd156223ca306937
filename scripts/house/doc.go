// Package house holds the rules that this repository keeps and that no linter
// knows: which folder may import which, how long a file may grow, which words do
// not belong here, that every exported name has a caller and every link a target.
//
// All of it is tests, so "go test ./..." runs the rules with everything else:
//
//	rules_test.go     the list of rules; each with an example that breaks it
//	tree_test.go      the files of the repository, as the rules see them
//	imports_test.go   the direction of imports, and what is never linked
//	unused_test.go    exported names without a caller, constants without a producer
//	files_test.go     length, place and size of files
//	words_test.go     words, sleeps and exits
//	comments_test.go  every package and every exported name is explained
//	deps_test.go      every dependency has its reason
//	links_test.go     links between documents
//
// A rule looks at a tree of files and returns what is wrong with it, a line for
// each problem. It does not read the disk itself, so its example is a few lines in
// memory, and no rule is left that can never complain. Only what other modules
// import and export is asked of the go command.
package house
