package trace

import (
	"fmt"
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
