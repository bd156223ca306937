package path

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
	last [tailEntries]*raftpb.Entry // raft has them in memory for much longer, and nobody changes them
	n    uint64                     // entries so far
}

// tailEntries is a handful: enough to see where one's own entry stands.
const tailEntries = 8

// saved notes what was written to the log. Of many entries the last are enough.
func (t *tail) saved(entries []*raftpb.Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range entries[max(0, len(entries)-tailEntries):] {
		t.last[t.n%tailEntries] = e
		t.n++
	}
}

// entries returns them, the last one last.
func (t *tail) entries() []control.Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := []control.Entry{}
	for i := t.n - min(t.n, tailEntries); i < t.n; i++ {
		e := t.last[i%tailEntries]
		one := control.Entry{Index: e.GetIndex(), Term: e.GetTerm(), Kind: e.GetType().String(), Bytes: len(e.GetData())}
		if id := requestID(e.GetData()); id != 0 {
			one.RequestID = strconv.FormatUint(id, 16)
		}
		all = append(all, one)
	}
	return all
}
