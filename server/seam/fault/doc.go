// Package fault makes requests wait where they would wait if something were wrong: a slow
// disk, a stalled apply goroutine, a full queue. The seams call it at these places. A fault
// waits and does nothing else, so nothing is lost and nothing is acknowledged early.
//
//	fault.go   waiting: of a request, a batch, the accept loop; and the smaller window
//	quota.go   waiting for a place among the requests that a connection may have handled
//	kinds.go   which faults there are, and their parameters
//	delay.go   how long a fault waits, which may be random
//	switch.go  switching faults on and off; the goroutines that keep processors busy
package fault
