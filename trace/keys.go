package trace

// The keys of a timeline's attributes, which are those of its root span.
const (
	AttrKey       = "glasskv.key"          // the key, at most its first 64 bytes; absent when redacted
	AttrKeySize   = "glasskv.key.size"     // bytes
	AttrValueSize = "glasskv.value.size"   // bytes; the value itself is never recorded
	AttrRevision  = "glasskv.revision"     // the store's revision after a write
	AttrLease     = "glasskv.lease"        // the lease that the request is about, as etcdctl writes it
	AttrBehind    = "glasskv.apply.behind" // how many entries were before this one in its apply batch
	AttrBusy      = "glasskv.raft.busy_ns" // on raft.waitReady: for how long the raft loop was still at work on the previous batch
	AttrFailure   = "glasskv.failure"      // on wal.save: why it failed, such as a write error of the disk
	AttrOutcome   = "glasskv.outcome"      // one of the Outcome constants; absent for an ordinary reply
	AttrDebugURL  = "glasskv.debug_url"    // the page of /debug/requests on which the request is shown as well
	AttrStreaming = "glasskv.streaming"    // "true" for a streaming call

	AttrCompression = "glasskv.compression" // how the request's messages were compressed; absent if they were not

	AttrHTTPStatus = "http.status"         // the HTTP status as a number, if the request came as HTTP/1
	AttrServeHTTP  = "glasskv.serve_http"  // "true" where net/http read the request and handed it to grpc-go
	AttrFailedConn = "glasskv.failed_conn" // "true" where the timeline shows a connection that never carried a request
	AttrInProcess  = "glasskv.in_process"  // "true" where a handler of this server made the request
	AttrGoAway     = "glasskv.goaway"      // "true" where the server had sent GOAWAY before the request was over
	AttrPanic      = "glasskv.panic"       // "true" where the request's handler panicked
	AttrWorker     = "glasskv.worker"      // one of the Worker constants; absent where the server has no stream workers
)

// Who handled a request of a server with stream workers.
const (
	WorkerTook    = "took"    // one of the workers
	WorkerSpilled = "spilled" // a goroutine of its own, because all workers were busy
)

// The outcomes that are not an ordinary reply.
const (
	OutcomeSwept      = "swept"       // it never completed; the sweeper closed it
	OutcomeReset      = "reset"       // the client reset the stream
	OutcomeResetSent  = "refused"     // the server reset the stream
	OutcomeTimedOut   = "timed-out"   // the server reset the stream because its deadline had passed
	OutcomeConnClosed = "conn-closed" // the connection ended before the reply was out
	OutcomeStopping   = "stopping"    // the server was being stopped
)

// The keys of the attributes of a connection's stages.
const (
	AttrTLSVersion    = "tls.version"
	AttrTLSCipher     = "tls.cipher"
	AttrTLSALPN       = "tls.alpn"
	AttrTLSServerName = "tls.server_name"
	AttrTLSPeer       = "tls.peer"    // the common name of the client's certificate
	AttrTLSResumed    = "tls.resumed" // "true" where the keys of an earlier connection were taken up
	AttrAttempts      = "attempts"    // how many calls of Accept failed in a row
	AttrError         = "error"       // the error of the last of them
)

// AttrFaults names the faults that were switched on while the request ran, with commas
// between the names. They need not have struck it. It is absent if no fault was on.
const AttrFaults = "glasskv.faults"

// The keys of a stretch's attributes.
const (
	AttrEvents        = "events"
	AttrEventRevision = "revision"
)

// AttrTook belongs to a row that stands for several stretches: how long they took
// together, in nanoseconds.
const AttrTook = "glasskv.took_ns"

// Why a request was held.
const (
	WhyBreakpoint = "breakpoint"
	WhyStep       = "step"                // it was told to go on to the next stage
	WhyBehind     = "behind a breakpoint" // another request was held on a goroutine that it needed
)

// How a hold ended.
const (
	EndedContinued = "continued"
	EndedStepped   = "stepped"
	EndedTimeout   = "timeout"     // the longest time of the hold passed without a command
	EndedGone      = "client gone" // the request's context ended
	EndedStopping  = "stopping"    // the server was being stopped
	EndedCleared   = "cleared"     // the fault was switched off
)

// The keys of a pause's attributes.
const (
	AttrAt    = "at"
	AttrWhy   = "why"
	AttrEnded = "ended"
)

// AttrNotShown counts the requests that the server made to answer this one and
// that are not in its timeline, because there were too many.
const AttrNotShown = "glasskv.parts.not_shown"
