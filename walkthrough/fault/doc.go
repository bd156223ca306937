// Package fault holds the commands that have things go wrong on purpose in a running
// server: `glasskv fault` and those below it.
//
//	command.go  the commands
//	list.go     all faults, and which are switched on
//
// The server does the work: see control, and seam in the server.
package fault
