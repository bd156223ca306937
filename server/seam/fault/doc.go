// Package fault makes requests wait as they would wait if something were wrong. The
// other halves of the seams ask it at the places where it could be; a fault waits there
// and does nothing else, so nothing is lost and nothing is acknowledged early.
//
//	fault.go         waiting
//	fault_kinds.go   which faults there are, and their parameters
//	fault_delay.go   how long a fault waits, which may be left to chance
//	fault_switch.go  on and off
package fault
