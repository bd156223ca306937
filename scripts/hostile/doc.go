// Package hostile does to a running server what nobody should do to one, and
// looks whether anybody else suffers.
//
//	go test ./scripts/hostile                       # each scenario, in small
//	go test ./scripts/hostile -full -timeout 20m    # in the sizes that docs/security.md names
//
// Each scenario is played against a server in a process of its own while a
// well-behaved client goes on writing. The client's writes must all succeed.
// After the scenario its p99 must be below ten times what it was in quiet, the
// server must have given back what the attacker took (memory, goroutines,
// descriptors), and every record that was begun must be finished.
//
//	hostile_test.go      the scenarios' order, and what must hold after each
//	child_test.go        the server, in a process of its own, and what it tells of its state
//	neighbour_test.go    the well-behaved client
//	attacker_test.go     a client that speaks HTTP/2 frame by frame
//	bytes_test.go        scenarios below HTTP/2
//	frames_test.go       frames that must not be
//	floods_test.go       frames that may be, but not so many
//	requests_test.go     requests that are valid and large
//	connections_test.go  connections, and nothing on them
package hostile
