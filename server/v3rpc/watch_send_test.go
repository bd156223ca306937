package v3rpc

import (
	"bytes"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
)

// Pieces stay below the limit, except for an event that is too large by itself,
// and put together they are the whole.
func TestFragmentsStayBelowTheLimit(t *testing.T) {
	const limit = 1000
	for name, sizes := range map[string][]int{
		"fits":               {10, 10},
		"one event":          {5000},
		"even":               {400, 400, 400, 400, 400},
		"exactly":            {450, 450, 450},
		"one is too large":   {10, 5000, 10},
		"the last too large": {10, 10, 5000},
	} {
		wr := &pb.WatchResponse{Header: &pb.ResponseHeader{Revision: 9}, WatchId: 3}
		for i, size := range sizes {
			wr.Events = append(wr.Events, &mvccpb.Event{Kv: &mvccpb.KeyValue{
				Value: bytes.Repeat([]byte("v"), size), ModRevision: int64(i + 1),
			}})
		}
		var pieces []*pb.WatchResponse
		if err := sendFragments(wr, limit, func(piece *pb.WatchResponse) error {
			pieces = append(pieces, piece)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		var events []*mvccpb.Event
		for i, piece := range pieces {
			if size := proto.Size(piece); size >= limit && len(piece.Events) > 1 {
				t.Errorf("%s: piece %d has %d events in %d bytes", name, i, len(piece.Events), size)
			}
			if last := i == len(pieces)-1; piece.Fragment == last {
				t.Errorf("%s: piece %d of %d says that there is more: %v", name, i, len(pieces), piece.Fragment)
			}
			if piece.WatchId != 3 || piece.Header.Revision != 9 {
				t.Errorf("%s: piece %d is %v", name, i, piece)
			}
			events = append(events, piece.Events...)
		}
		if !slices.Equal(events, wr.Events) {
			t.Errorf("%s: the pieces have other events than the whole", name)
		}
	}
}
