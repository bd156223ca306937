// Package crash kills a server under load, again and again, and checks that every
// write that the server acknowledged is there when it comes back.
//
//	go test ./scripts/crash                            # three times
//	go test ./scripts/crash -cycles 20                 # in CI
//	go test ./scripts/crash -cycles 200 -timeout 60m   # by hand or nightly
//
// kill -9 alone is a weak test. The kernel keeps what was written, so a server that
// never syncs would pass it; therefore the number of fsyncs is asserted too. A lost
// entry may also show as a restart that never ends, so a restart has a time limit.
package crash
