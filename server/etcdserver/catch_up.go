package etcdserver

// Raft keeps applied entries in memory for a follower that is a little slow. etcd
// counts them, SnapshotCatchUpEntries; with requests at the size limit that many
// take gigabytes, so here their bytes are bounded as well. A follower that asks
// for what is gone is sent a snapshot.
const (
	// maxCatchUpBytes bounds the entries that are kept in memory once they are
	// applied, in bytes.
	maxCatchUpBytes = 32 << 20
	// memorySnapshotBytes is after how many bytes of entries raft's log in memory
	// is cut, should memorySnapshotCount of them not have come by then.
	memorySnapshotBytes = maxCatchUpBytes / 8
)

// catchUp knows how large the applied entries are that raft's log still holds.
// It belongs to the apply goroutine.
type catchUp struct {
	stretches []stretch // cut off by snapshots in memory, the oldest first
	bytes     int       // of all stretches
	latest    int       // bytes applied since the last snapshot in memory
}

// stretch is a run of applied entries.
type stretch struct {
	last  uint64 // index of its last entry
	bytes int
}

// applied counts an entry of that many bytes.
func (c *catchUp) applied(bytes int) { c.latest += bytes }

// cut ends a stretch at the applied index and returns the index up to which
// entries must go, so that the others fit; zero when all of them may stay.
func (c *catchUp) cut(appliedi uint64) (gone uint64) {
	c.stretches = append(c.stretches, stretch{appliedi, c.latest})
	c.bytes += c.latest
	c.latest = 0
	for c.bytes > maxCatchUpBytes && len(c.stretches) > 1 {
		gone = c.stretches[0].last
		c.drop()
	}
	return gone
}

// forget drops the stretches that ended before index.
func (c *catchUp) forget(index uint64) {
	for len(c.stretches) > 0 && c.stretches[0].last < index {
		c.drop()
	}
}

func (c *catchUp) drop() {
	c.bytes -= c.stretches[0].bytes
	c.stretches = c.stretches[1:]
}
