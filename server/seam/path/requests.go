package path

import (
	"sync/atomic"

	"glasskv/trace/record"

	"google.golang.org/protobuf/encoding/protowire"
)

// requests finds the record of a proposal by its request ID, which is all that an entry says
// about its request. Its methods may be called by any goroutine.
//
// A slot is chosen by the low bits of the ID. A member's IDs count up, so the slots fill
// evenly and no lock is needed. If more proposals are under way than there are slots, a
// later proposal takes the slot of an earlier one. The earlier request then loses the rest
// of its raft stages: its timeline shows that time as unexplained.
type requests struct {
	slots [requestSlots]atomic.Pointer[record.Record]
}

// requestSlots is above 5,000, the number of entries that may be committed and not applied
// before the server refuses proposals.
const requestSlots = 1 << 13

// put sets the request ID of a record and adds the record to the table.
func (q *requests) put(id uint64, rec *record.Record) {
	rec.SetRequestID(id)
	q.slots[id%requestSlots].Store(rec)
}

// get returns the record of the request with this ID, or nil if the table does not have it.
func (q *requests) get(id uint64) *record.Record {
	if rec := q.slots[id%requestSlots].Load(); rec.RequestID() == id {
		return rec
	}
	return nil
}

// ofEntry returns the record of an entry's request, or nil if the table does not have it.
func (q *requests) ofEntry(data []byte) *record.Record {
	id := requestID(data)
	if id == 0 {
		return nil
	}
	return q.get(id)
}

// drop removes a request. It is called when the request has had its last raft stage.
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

// requestID returns the request ID in an entry's data, which is an InternalRaftRequest. It
// parses no more than the header. It returns zero if the entry has no ID, such as the empty
// entry of a new leader, or if the data is not such a message.
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

// field returns the bytes of the first field with a number and a type. It reports false if
// there is no such field, or if b is not a message.
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
