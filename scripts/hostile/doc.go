// Package hostile attacks a running server and checks that its other clients do not
// suffer.
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
//	hostile_test.go   the scenarios' order, what must hold after each, and the well-behaved client
//	child_test.go     the server, in a process of its own, and what it tells of its state
//	attacker_test.go  a client that speaks HTTP/2 frame by frame
//	frames_test.go    connections and frames that are invalid, or too many
//	requests_test.go  requests that are valid and large
package hostile
