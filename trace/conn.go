package trace

import "sync/atomic"

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

	traceID  ids
	spanID   uint64
	stamps   [lastConnStage - firstConnStage + 1]interval
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
func (c *Conn) Begin(s Stage) {
	if b := &c.stamps[s-firstConnStage].begin; b.Load() == 0 {
		b.Store(Now())
	}
}

// BeginAt is Begin with a stamp that was taken already.
func (c *Conn) BeginAt(s Stage, stamp int64) { c.stamps[s-firstConnStage].begin.Store(stamp) }

// End stamps the end of one of the connection's stages.
func (c *Conn) End(s Stage) { c.stamps[s-firstConnStage].end.Store(Now()) }

// EndAt is End with a stamp that was taken already.
func (c *Conn) EndAt(s Stage, stamp int64) { c.stamps[s-firstConnStage].end.Store(stamp) }

// Stamps returns a stage's begin and end; zero is "not stamped".
func (c *Conn) Stamps(s Stage) (begin, end int64) {
	i := &c.stamps[s-firstConnStage]
	return i.begin.Load(), i.end.Load()
}
