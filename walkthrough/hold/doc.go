// Package hold shows requests that are held where a stage begins, and holds the
// commands that steer a running server: `glasskv hold` and those below it.
//
//	command.go  the commands, each a plain function that takes a writer
//	list.go     the breakpoints, and who is held
//	block.go    everything there is to see of one request that is held
//	words.go    why it stands there, and how it went on
//	printer.go  the same for `glasskv serve`, as it happens
//
// The server does the work: see control, and seam in the server. Whatever is
// shown came over HTTP and may quote a client, so it is escaped.
package hold
