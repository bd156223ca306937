package path

import (
	"sync/atomic"

	"glasskv/trace/record"

	"google.golang.org/protobuf/encoding/protowire"
)

// requests finds the record of a proposal by its request ID, which is all that
// an entry carries of where it came from.
//
// IDs of one member count up, so the low bits spread them evenly over the slots
// and no lock is needed. Should more proposals be under way than there are
// slots, the later one takes the slot and the earlier one loses the rest of its
// raft stages; its timeline then shows that time as unexplained.
type requests struct {
	slots [requestSlots]atomic.Pointer[record.Record]
}

// requestSlots is above the 5,000 entries that may be committed and not applied
// before the server refuses proposals.
const requestSlots = 1 << 13

func (q *requests) put(id uint64, rec *record.Record) {
	rec.SetRequestID(id)
	q.slots[id%requestSlots].Store(rec)
}

// get returns the record of the request with this ID, or nil.
func (q *requests) get(id uint64) *record.Record {
	if rec := q.slots[id%requestSlots].Load(); rec.RequestID() == id {
		return rec
	}
	return nil
}

// of returns the record of an entry's request, or nil.
func (q *requests) of(data []byte) *record.Record {
	id := requestID(data)
	if id == 0 {
		return nil
	}
	return q.get(id)
}

// drop forgets a request whose last raft stage is over.
func (q *requests) drop(id uint64) {
	slot := &q.slots[id%requestSlots]
	if rec := slot.Load(); rec.RequestID() == id {
		slot.CompareAndSwap(rec, nil)
	}
}

// Field numbers of etcd's raft_internal.proto.
const (
	fieldHeader = 100 // InternalRaftRequest.header
	fieldID     = 1   // RequestHeader.ID
)

// requestID reads the request's ID out of an entry: InternalRaftRequest, its
// header, the ID. It is zero for entries that carry none (an empty entry of a
// new leader) and for bytes that are no such message.
func requestID(entry []byte) uint64 {
	header, ok := field(entry, fieldHeader, protowire.BytesType)
	if !ok {
		return 0
	}
	raw, ok := field(header, fieldID, protowire.VarintType)
	if !ok {
		return 0
	}
	id, n := protowire.ConsumeVarint(raw)
	if n < 0 {
		return 0
	}
	return id
}

// field finds the first field of that number and type and returns its bytes.
func field(b []byte, want protowire.Number, wantType protowire.Type) ([]byte, bool) {
	for len(b) > 0 {
		number, kind, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, false
		}
		b = b[n:]
		size := protowire.ConsumeFieldValue(number, kind, b)
		if size < 0 {
			return nil, false
		}
		if number == want && kind == wantType {
			if kind == protowire.BytesType {
				value, _ := protowire.ConsumeBytes(b)
				return value, true
			}
			return b[:size], true
		}
		b = b[size:]
	}
	return nil, false
}
