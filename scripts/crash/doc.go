// Package crash kills a server that is under load, again and again, and holds
// it to its word: what it acknowledged is there when it comes back.
//
//	go test ./scripts/crash                            # three times
//	go test ./scripts/crash -cycles 20                 # in CI
//	go test ./scripts/crash -cycles 200 -timeout 60m   # by hand or nightly
//
// kill -9 alone is a weak test. The kernel keeps what was written, so a server
// that never syncs passes it; therefore the number of fsyncs is asserted too.
// And a lost entry may show as a restart that waits for ever, so a restart has
// a time limit.
//
//	crash_test.go  the story: load, kill, restart, compare
//	child_test.go  the server, in a process of its own
//	load_test.go   the writers, who remember what was promised to them
package crash
