package record

import (
	"slices"
	"strconv"
	"sync/atomic"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// Conn is what the requests of one connection share: its stamps and its names.
// Its stages belong to the request that opened it; later requests link to it
// and say "reused".
type Conn struct {
	ID          uint64 // ordinal of the connection in this process, from 1
	Peer, Local string // addresses
	Protocol    string // "tcp", or a TLS version

	// TLS is what the handshake agreed on; nil where there was none, or it
	// failed. Backoff tells of the accepts that failed before this connection was
	// accepted. Both are set before the first request begins.
	TLS     *TLSFacts
	Backoff BackoffFacts

	// Faults are those that struck the connection, set before its first request
	// begins as well.
	Faults []ConnFault

	traceID  trace.ID
	spanID   uint64
	stamps   [stages.LastConn - stages.FirstConn + 1]interval
	opened   atomic.Bool  // its first request has come
	exported atomic.Bool  // its spans have gone out with a request's
	reqs     atomic.Int64 // requests so far
	failure  atomic.Pointer[string]
	recorder *Recorder // which counts the connections that failed
}

// TLSFacts is what a TLS handshake agreed on, in the words of crypto/tls.
type TLSFacts struct {
	Version    string // "TLS 1.3"
	Cipher     string // "TLS_AES_128_GCM_SHA256"
	ALPN       string // the protocol that was agreed on; empty for none
	ServerName string // what the client asked for by SNI; empty for an address
	PeerName   string // the common name of the client's certificate; empty without one
	Resumed    bool   // the keys of an earlier connection were taken up again
}

// BackoffFacts tells of accepts that failed, in a row.
type BackoffFacts struct {
	Attempts int    // how many; zero when none did
	Error    string // what the last of them said
}

// Begin stamps the beginning of one of the connection's stages.
func (c *Conn) Begin(s stages.Stage) {
	if b := &c.stamps[s-stages.FirstConn].begin; b.Load() == 0 {
		b.Store(Now())
	}
}

// BeginAt is Begin with a stamp that was taken already.
func (c *Conn) BeginAt(s stages.Stage, stamp int64) { c.stamps[s-stages.FirstConn].begin.Store(stamp) }

// End stamps the end of one of the connection's stages.
func (c *Conn) End(s stages.Stage) { c.stamps[s-stages.FirstConn].end.Store(Now()) }

// EndAt is End with a stamp that was taken already.
func (c *Conn) EndAt(s stages.Stage, stamp int64) { c.stamps[s-stages.FirstConn].end.Store(stamp) }

// Stamps returns a stage's begin and end; zero is "not stamped".
func (c *Conn) Stamps(s stages.Stage) (begin, end int64) {
	i := &c.stamps[s-stages.FirstConn]
	return i.begin.Load(), i.end.Load()
}

// Span names the span of one of the connection's stages.
func (c *Conn) Span(s stages.Stage) trace.Link {
	return trace.Link{Trace: c.traceID, Span: trace.ChildID(c.spanID, int(s))}
}

// Around returns the connection's stage that a stage of it lies in; None when it
// has none that was stamped.
func (c *Conn) Around(stage stages.Stage) stages.Stage {
	for outer := stages.SpecOf(stage).Parent; outer != stages.None; outer = stages.SpecOf(outer).Parent {
		if begin, _ := c.Stamps(outer); begin != 0 {
			return outer
		}
	}
	return stages.None
}

// Fail notes why the connection never carried a request, and makes a finished
// record of it: what it is that one finds who looks for a client that could not
// get in. Of several reasons the first counts; a connection that did carry a
// request has not failed. It may be called by anyone and does not wait.
func (c *Conn) Fail(why string) {
	now, rc := Now(), c.recorder
	if rc == nil || c.reqs.Load() > 0 || !c.failure.CompareAndSwap(nil, &why) {
		return
	}
	rc.failed.Add(1)
	rc.lastFailure.Store(c)
	r := rc.Start(c, 0, c.begun(now))
	if r == nil {
		return // counted as not recorded
	}
	r.Mark(MarkConnection)
	if begin, _ := c.Stamps(stages.HTTPConn); begin != 0 {
		r.BeginAt(stages.HTTPReadRequest, begin) // what net/http does first, and has not come to the end of
	}
	r.message.Store(&why)
	r.OverAt(now)
	r.Done(AllEvents)
}

// begun returns the first stamp of the connection's stages; without any, the
// given one.
func (c *Conn) begun(now int64) int64 {
	first := now
	for i := range c.stamps {
		if begin := c.stamps[i].begin.Load(); begin != 0 {
			first = min(first, begin)
		}
	}
	return first
}

// Attributes returns what is known of one of the connection's stages.
func (c *Conn) Attributes(s stages.Stage) map[string]string {
	var pairs []string
	switch {
	case s == stages.TLSHandshake && c.TLS != nil:
		pairs = []string{
			trace.AttrTLSVersion, c.TLS.Version, trace.AttrTLSCipher, c.TLS.Cipher, trace.AttrTLSALPN, c.TLS.ALPN,
			trace.AttrTLSServerName, c.TLS.ServerName, trace.AttrTLSPeer, c.TLS.PeerName, trace.AttrTLSResumed, "",
		}
		if c.TLS.Resumed {
			pairs[len(pairs)-1] = "true"
		}
	case s == stages.AcceptBackoff && c.Backoff.Attempts > 0:
		pairs = []string{trace.AttrAttempts, strconv.Itoa(c.Backoff.Attempts), trace.AttrError, c.Backoff.Error}
	default:
		return nil
	}
	attrs := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			attrs[pair[0]] = trace.ValidUTF8(pair[1])
		}
	}
	return attrs
}

// Link names the span of the connection as a whole.
func (c *Conn) Link() trace.Link { return trace.Link{Trace: c.traceID, Span: c.spanID} }
