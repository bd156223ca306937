package trace

import (
	"slices"
	"strconv"
)

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
	if begin, _ := c.Stamps(HTTPConn); begin != 0 {
		r.BeginAt(HTTPReadRequest, begin) // what net/http does first, and has not come to the end of
	}
	r.message.Store(&why)
	r.end.Store(now)
	r.Done(allEvents)
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

// The keys of what a connection's stages say besides their times.
const (
	AttrTLSVersion    = "tls.version"
	AttrTLSCipher     = "tls.cipher"
	AttrTLSALPN       = "tls.alpn"
	AttrTLSServerName = "tls.server_name"
	AttrTLSPeer       = "tls.peer"    // the common name of the client's certificate
	AttrTLSResumed    = "tls.resumed" // "true" where the keys of an earlier connection were taken up
	AttrAttempts      = "attempts"    // of accepts that failed, in a row
	AttrError         = "error"       // what the last of them said
)

// attributes returns what is known of one of the connection's stages.
func (c *Conn) attributes(s Stage) map[string]string {
	var pairs []string
	switch {
	case s == TLSHandshake && c.TLS != nil:
		pairs = []string{
			AttrTLSVersion, c.TLS.Version, AttrTLSCipher, c.TLS.Cipher, AttrTLSALPN, c.TLS.ALPN,
			AttrTLSServerName, c.TLS.ServerName, AttrTLSPeer, c.TLS.PeerName, AttrTLSResumed, "",
		}
		if c.TLS.Resumed {
			pairs[len(pairs)-1] = "true"
		}
	case s == AcceptBackoff && c.Backoff.Attempts > 0:
		pairs = []string{AttrAttempts, strconv.Itoa(c.Backoff.Attempts), AttrError, c.Backoff.Error}
	default:
		return nil
	}
	attrs := make(map[string]string, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] != "" {
			attrs[pair[0]] = text(pair[1])
		}
	}
	return attrs
}
