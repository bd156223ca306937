package path

import (
	"testing"

	"glasskv/server/seam/seamtest"
	"glasskv/trace/record"
	"glasskv/trace/stages"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/protobuf/proto"
)

func TestRequestIDIsWhatProtobufReads(t *testing.T) {
	for _, id := range []uint64{1, 127, 128, 1 << 40, 1<<64 - 1} {
		if got := requestID(seamtest.Entry(t, id)); got != id {
			t.Errorf("request ID %d read as %d", id, got)
		}
	}
}

func TestEntriesWithoutRequestIDHaveNone(t *testing.T) {
	whole := seamtest.Entry(t, 77)
	for name, entry := range map[string][]byte{
		"a new leader's empty entry": nil,
		"text":                       []byte("no protobuf at all"),
		"cut short":                  whole[:len(whole)-3],
	} {
		if got := requestID(entry); got != 0 {
			t.Errorf("%s: request ID %d", name, got)
		}
	}
}

// FuzzRequestID holds the scan against the real parser: whatever bytes an entry
// has, a message that protobuf accepts yields the ID that protobuf sees, unless
// the header is given twice, which etcd never writes.
func FuzzRequestID(f *testing.F) {
	f.Add(seamtest.Entry(f, 1))
	f.Add([]byte{0xa2, 0x06, 0x02, 0x08, 0x05})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, entry []byte) {
		got := requestID(entry)
		var r pb.InternalRaftRequest
		if proto.Unmarshal(entry, &r) != nil {
			return
		}
		again, err := proto.Marshal(&r)
		if err != nil || len(again) != len(entry) {
			return // not in the one form that etcd writes
		}
		if want := r.GetHeader().GetID(); got != want && len(r.ProtoReflect().GetUnknown()) == 0 {
			t.Errorf("request ID %d, protobuf reads %d from %x", got, want, entry)
		}
	})
}

// Two proposals under way at once want the same slot. The later one has it; the
// earlier one is as one that is not recorded, and does not disturb the other.
func TestARequestMayLoseItsSlotToALaterOne(t *testing.T) {
	const id = 77
	first, second, table := seamtest.Record(t), seamtest.Record(t), &requests{}
	table.put(id, first)
	table.put(id+requestSlots, second)
	if table.get(id) != nil || table.ofEntry(seamtest.Entry(t, id)) != nil {
		t.Error("the earlier one is found")
	}
	table.drop(id)
	if table.get(id+requestSlots) != second {
		t.Error("the later one went with the earlier one")
	}
	table.drop(id + requestSlots)
	if n := table.len(); n != 0 {
		t.Errorf("%d requests are left", n)
	}
	for _, rec := range []*record.Record{nil, first} {
		rec.EndAt(stages.RaftCommit, 1) // what the raft loop does with what it finds
	}
}
