// Package hold stops requests at breakpoints, as a debugger stops a thread, and lets
// somebody look at them. A hold is one request that waits at a breakpoint, or at a stage
// that it was told to step to.
//
// The seams call Holds.Reach right before they stamp the beginning of a stage. So the
// stage's own duration stays true, and the hold becomes a row of its own in the timeline.
//
// The life of a hold:
//
//	SetBreak, Step          arm the stage: one atomic flag for each stage
//	     │
//	Reach                   load the flag. If it is not set, nothing else happens
//	     │ armed
//	     ▼
//	enlist                  does a breakpoint or a step want this request? If so, list it,
//	     │                  with an ID and with its timeline so far, and publish Held
//	     ▼
//	wait                    State lists it, Hold describes it; it ends with the first of
//	     ├── Continue            "continued"
//	     ├── Step                "stepped"; every stage is armed for this request
//	     ├── the time limit      "timeout"
//	     ├── the context ends    "client gone"
//	     └── Close               "stopping"
//	     ▼
//	remove                  take it off the list, publish Released, end the row seam.hold
//	                        in its timeline, and in those of the requests that waited
//	                        with it or behind it. Then the stage begins
//
// A hold at a shared stage stops a goroutine that works for all requests. To say who
// waits behind it, and to show the server around a held request, package hold needs to
// know the server. It asks through an interface that the parent package implements:
//
//	            Holds
//	              │ Surroundings
//	      ┌───────┴────────┐
//	    front             path
//	    a request's       proposals in raft, readers that wait for a round,
//	    context           raft's status, the last entries, queue lengths
//
//	hold.go         reaching a stage, and waiting there
//	breakpoints.go  which requests are to be held, and at which stages
//	steer.go        step, continue, the list of holds, and events
//	behind.go       which requests wait behind a hold
//	report.go       what is shown of a held request: goroutines, raft, the log, queues
package hold
