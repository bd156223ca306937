package trace

// Embed makes inner a part of r's timeline: a request that the server made
// itself to answer r, such as the gateway's gRPC call, or the transaction inside
// a lock. Inner's stages are shown inside r's stage under, and inner has no
// timeline of its own any more. r is complete only when inner is. It may be
// called several times, by several goroutines, before r is finished and before
// inner is; those beyond maxEmbedded are not shown, and counted.
//
// A client's record may embed the server's record of the same call; the two are
// then merged.
func (r *Record) Embed(inner *Record, under Stage) {
	if r == nil || inner == nil {
		return
	}
	inner.Mark(MarkEmbedded)
}
