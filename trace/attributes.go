package trace

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (a *assembly) attributes() {
	r, set := a.r, a.set
	if r.keyTotal > 0 {
		if r.keyLen > 0 { // nothing of it is kept when it is redacted
			set(AttrKey, r.keyText())
		}
		set(AttrKeySize, strconv.Itoa(int(r.keyTotal)))
	}
	if r.facts.ValueSize > 0 {
		set(AttrValueSize, strconv.Itoa(r.facts.ValueSize))
	}
	if r.facts.Lease != 0 {
		set(AttrLease, fmt.Sprintf("%016x", uint64(r.facts.Lease)))
	}
	if r.facts.Revision > 0 {
		set(AttrRevision, strconv.FormatInt(r.facts.Revision, 10))
	}
	if n := r.behind.Load(); n > 0 {
		set(AttrBehind, strconv.Itoa(int(n)))
	}
	for _, m := range markNames {
		if r.Has(m.mark) {
			set(AttrOutcome, m.name)
			break
		}
	}
	if r.facts.Compression != "" {
		set(AttrCompression, text(r.facts.Compression))
	}
	if r.facts.HTTPStatus != 0 {
		set(AttrHTTPStatus, strconv.Itoa(r.facts.HTTPStatus))
	}
	for _, m := range markAttributes {
		if r.Has(m.mark) {
			set(m.key, m.value)
		}
	}
	a.faults()
	if url := r.debugURL(); url != "" {
		set(AttrDebugURL, url)
	}
}

// debugURL returns the page on which golang.org/x/net/trace shows the last calls
// of the request's service. grpc-go tells it of those that come to handleStream.
func (r *Record) debugURL() string {
	if entered, _ := r.Stamps(HandleStream); entered == 0 || r.recorder.opts.DebugURL == "" {
		return ""
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(r.facts.Method, "/"), "/")
	page := url.Values{"fam": {"grpc.Recv." + text(service)}, "b": {"0"}, "exp": {"1"}}
	return r.recorder.opts.DebugURL + "/debug/requests?" + page.Encode()
}

// The keys of a timeline's attributes, which are those of its root span.
const (
	AttrKey       = "glasskv.key"          // the key, at most its first 64 bytes; absent when redacted
	AttrKeySize   = "glasskv.key.size"     // bytes
	AttrValueSize = "glasskv.value.size"   // bytes; the value itself is never recorded
	AttrRevision  = "glasskv.revision"     // the store's revision after a write
	AttrLease     = "glasskv.lease"        // the lease that it is about, as etcdctl writes it
	AttrBehind    = "glasskv.apply.behind" // entries before it in its apply batch
	AttrBusy      = "glasskv.raft.busy_ns" // of raft.waitReady: the raft loop was at work on the batch before
	AttrFailure   = "glasskv.failure"      // of wal.save: why it failed, such as a disk that refused it
	AttrOutcome   = "glasskv.outcome"      // one of the Outcome constants; absent for an ordinary reply
	AttrDebugURL  = "glasskv.debug_url"    // the page of /debug/requests on which the request is shown as well
	AttrStreaming = "glasskv.streaming"    // "true" for a streaming call

	AttrCompression = "glasskv.compression" // how the request's messages were compressed; absent for not at all

	AttrHTTPStatus = "http.status"         // of a request that came as HTTP/1, as a number
	AttrServeHTTP  = "glasskv.serve_http"  // "true" where net/http read the request and handed it to grpc-go
	AttrFailedConn = "glasskv.failed_conn" // "true" where it is no request but a connection that never carried one
	AttrInProcess  = "glasskv.in_process"  // "true" where a handler of this server made the request
	AttrGoAway     = "glasskv.goaway"      // "true" where the server had said GOAWAY before it was over
	AttrPanic      = "glasskv.panic"       // "true" where its handler panicked
	AttrWorker     = "glasskv.worker"      // one of the Worker constants; absent where the server has no stream workers
)

// Who handled a request of a server with stream workers.
const (
	WorkerTook    = "took"    // one of the workers
	WorkerSpilled = "spilled" // a goroutine of its own, for all workers were busy
)

var markAttributes = []struct {
	mark       Mark
	key, value string
}{
	{MarkStreaming, AttrStreaming, "true"},
	{MarkServeHTTP, AttrServeHTTP, "true"},
	{MarkConnection, AttrFailedConn, "true"},
	{MarkInProcess, AttrInProcess, "true"},
	{MarkGoAway, AttrGoAway, "true"},
	{MarkPanic, AttrPanic, "true"},
	{MarkWorker, AttrWorker, WorkerTook},
	{MarkSpilled, AttrWorker, WorkerSpilled},
}

// statusLine writes an HTTP status as its reply does: "200 OK".
func statusLine(status int) string {
	if words := http.StatusText(status); words != "" {
		return strconv.Itoa(status) + " " + words
	}
	return strconv.Itoa(status)
}

// The outcomes that are not an ordinary reply.
const (
	OutcomeSwept      = "swept"       // it never completed; the sweeper closed it
	OutcomeReset      = "reset"       // the client reset the stream
	OutcomeResetSent  = "refused"     // the server reset the stream
	OutcomeTimedOut   = "timed-out"   // the server reset the stream, for its deadline had passed
	OutcomeConnClosed = "conn-closed" // the connection ended before the reply was out
	OutcomeStopping   = "stopping"    // the server was being stopped
)

var markNames = []struct {
	mark Mark
	name string
}{
	{MarkSwept, OutcomeSwept},
	{MarkStopping, OutcomeStopping},
	{MarkReset, OutcomeReset},
	{MarkTimedOut, OutcomeTimedOut},
	{MarkResetSent, OutcomeResetSent},
	{MarkConnClosed, OutcomeConnClosed},
}

func (r *Record) keyText() string {
	key := text(string(r.key[:r.keyLen]))
	if int(r.keyTotal) > int(r.keyLen) {
		key += "…"
	}
	return key
}
