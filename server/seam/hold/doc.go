// Package hold keeps requests waiting where a stage begins, for as long as somebody
// looks at them.
//
// The seams ask Holds right before they stamp a stage's begin. So the stage's own length
// stays true, and the hold is a row of its own in the timeline.
//
//	hold.go         reaching a stage, and waiting there
//	hold_break.go   breakpoints, and the requests that they hold
//	hold_steer.go   step, continue, and the list of what is held
//	hold_behind.go  what else waits when a goroutine that requests share is held
//	hold_report.go  what is shown of a request that is held, with the goroutines involved
package hold
