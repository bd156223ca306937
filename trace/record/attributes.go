package record

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
)

func (a *assembly) attributes() {
	r, set := a.r, a.set
	if r.keyTotal > 0 {
		if r.keyLen > 0 { // nothing of it is kept when it is redacted
			set(trace.AttrKey, r.keyText())
		}
		set(trace.AttrKeySize, strconv.Itoa(int(r.keyTotal)))
	}
	if r.facts.ValueSize > 0 {
		set(trace.AttrValueSize, strconv.Itoa(r.facts.ValueSize))
	}
	if r.facts.Lease != 0 {
		set(trace.AttrLease, fmt.Sprintf("%016x", uint64(r.facts.Lease)))
	}
	if r.facts.Revision > 0 {
		set(trace.AttrRevision, strconv.FormatInt(r.facts.Revision, 10))
	}
	if n := r.behind.Load(); n > 0 {
		set(trace.AttrBehind, strconv.Itoa(int(n)))
	}
	for _, m := range markNames {
		if r.Has(m.mark) {
			set(trace.AttrOutcome, m.name)
			break
		}
	}
	if r.facts.Compression != "" {
		set(trace.AttrCompression, trace.ValidUTF8(r.facts.Compression))
	}
	if r.facts.HTTPStatus != 0 {
		set(trace.AttrHTTPStatus, strconv.Itoa(r.facts.HTTPStatus))
	}
	for _, m := range markAttributes {
		if r.Has(m.mark) {
			set(m.key, m.value)
		}
	}
	a.faults()
	if url := r.debugURL(); url != "" {
		set(trace.AttrDebugURL, url)
	}
}

// debugURL returns the page on which golang.org/x/net/trace shows the last calls
// of the request's service. grpc-go tells it of those that come to handleStream.
func (r *Record) debugURL() string {
	if entered, _ := r.Stamps(stages.HandleStream); entered == 0 || r.recorder.opts.DebugURL == "" {
		return ""
	}
	service, _, _ := strings.Cut(strings.TrimPrefix(r.facts.Method, "/"), "/")
	page := url.Values{"fam": {"grpc.Recv." + trace.ValidUTF8(service)}, "b": {"0"}, "exp": {"1"}}
	return r.recorder.opts.DebugURL + "/debug/requests?" + page.Encode()
}

var markAttributes = []struct {
	mark       Mark
	key, value string
}{
	{MarkStreaming, trace.AttrStreaming, "true"},
	{MarkServeHTTP, trace.AttrServeHTTP, "true"},
	{MarkConnection, trace.AttrFailedConn, "true"},
	{MarkInProcess, trace.AttrInProcess, "true"},
	{MarkGoAway, trace.AttrGoAway, "true"},
	{MarkPanic, trace.AttrPanic, "true"},
	{MarkWorker, trace.AttrWorker, trace.WorkerTook},
	{MarkSpilled, trace.AttrWorker, trace.WorkerSpilled},
}

var markNames = []struct {
	mark Mark
	name string
}{
	{MarkSwept, trace.OutcomeSwept},
	{MarkStopping, trace.OutcomeStopping},
	{MarkReset, trace.OutcomeReset},
	{MarkTimedOut, trace.OutcomeTimedOut},
	{MarkResetSent, trace.OutcomeResetSent},
	{MarkConnClosed, trace.OutcomeConnClosed},
}

func (r *Record) keyText() string {
	key := trace.ValidUTF8(string(r.key[:r.keyLen]))
	if int(r.keyTotal) > int(r.keyLen) {
		key += "…"
	}
	return key
}
