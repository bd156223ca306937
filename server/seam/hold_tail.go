package seam

import (
	"strconv"
	"sync"

	"glasskv/server/control"

	"go.etcd.io/raft/v3/raftpb"
)

// tail remembers the last entries that were saved, for those who look at a
// request that is held. The raft loop writes it once for each save.
type tail struct {
	mu   sync.Mutex
	last [tailEntries]savedEntry
	n    uint64 // entries so far
}

// tailEntries is a handful: enough to see where one's own entry stands.
const tailEntries = 8

type savedEntry struct {
	index, term, request uint64
	kind                 raftpb.EntryType
	bytes                int
}

// saved notes what was written to the log. Of many entries the last are enough.
func (t *tail) saved(entries []*raftpb.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries[max(0, len(entries)-tailEntries):] {
		t.last[t.n%tailEntries] = savedEntry{
			index: e.GetIndex(), term: e.GetTerm(), kind: e.GetType(), bytes: len(e.GetData()),
			request: requestID(e.GetData()),
		}
		t.n++
	}
}

// entries returns them, the last one last.
func (t *tail) entries() []control.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []control.Entry{}
	for i := t.n - min(t.n, tailEntries); i < t.n; i++ {
		e := &t.last[i%tailEntries]
		one := control.Entry{Index: e.index, Term: e.term, Kind: e.kind.String(), Bytes: e.bytes}
		if e.request != 0 {
			one.RequestID = strconv.FormatUint(e.request, 16)
		}
		all = append(all, one)
	}
	return all
}
