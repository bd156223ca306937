package v3rpc

import (
	"context"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// sendResponse sends what the store has for a watcher.
func (sws *serverWatchStream) sendResponse(w watcher, resp mvcc.WatchResponse) error {
	mvcc.ReportEventReceived(len(resp.Events))
	wr := &pb.WatchResponse{
		Header:          sws.eventHeader(resp.Revision),
		WatchId:         int64(resp.WatchID),
		Events:          resp.Events,
		CompactRevision: resp.CompactRevision,
		Canceled:        resp.CompactRevision != 0,
	}
	if w.prevKV {
		wr.Events = sws.withPrevKV(resp.Events)
	}
	if w.progressDue && len(resp.Events) > 0 {
		w.progressDue = false
		sws.sending.watchers[resp.WatchID] = w
	}
	if w.fragment {
		return sendFragments(wr, sws.maxRequestBytes, sws.gRPCStream.Send)
	}
	return sws.gRPCStream.Send(wr)
}

// eventHeader is for what comes from the store, with the revision that it has
// there. One write may go to thousands of watchers, so its header is made once;
// nobody changes a header that has been sent.
func (sws *serverWatchStream) eventHeader(rev int64) *pb.ResponseHeader {
	rh, term := sws.sending.header, sws.hdr.status.Term()
	if rh == nil || rh.Revision != rev || rh.RaftTerm != term {
		rh = &pb.ResponseHeader{Revision: rev}
		sws.hdr.fillWithoutRevision(rh)
		sws.sending.header = rh
	}
	return rh
}

// withPrevKV adds to each event what the key held before. The events belong to
// every watcher of the key and are copied. A predecessor that has been compacted
// is left out, and so is that of a key which is new.
func (sws *serverWatchStream) withPrevKV(events []*mvccpb.Event) []*mvccpb.Event {
	all := make([]*mvccpb.Event, len(events))
	for i, ev := range events {
		all[i] = ev
		if isCreateEvent(ev) {
			continue
		}
		r, err := sws.watchable.Range(context.Background(), ev.Kv.Key, nil, mvcc.RangeOptions{Rev: ev.Kv.ModRevision - 1})
		if err == nil && len(r.KVs) > 0 {
			all[i] = &mvccpb.Event{Type: ev.Type, Kv: ev.Kv, PrevKv: r.KVs[0]}
		}
	}
	return all
}

func isCreateEvent(e *mvccpb.Event) bool {
	return e.Type == mvccpb.Event_PUT && e.Kv.CreateRevision == e.Kv.ModRevision
}

// sendFragments sends a response in pieces that stay below maxBytes, unless a
// single event is larger than that. All pieces but the last are marked, so that
// the client can put them together again.
func sendFragments(wr *pb.WatchResponse, maxBytes int, send func(*pb.WatchResponse) error) error {
	if len(wr.Events) < 2 || proto.Size(wr) < maxBytes {
		return send(wr)
	}
	for rest := wr.Events; len(rest) > 0; {
		// A response of its own for each piece: send may hand it on instead of
		// encoding it at once.
		piece := &pb.WatchResponse{
			Header: wr.Header, WatchId: wr.WatchId,
			CompactRevision: wr.CompactRevision, Canceled: wr.Canceled,
			Fragment: true,
		}
		n := fitting(rest, maxBytes-proto.Size(piece))
		piece.Events, rest = rest[:n], rest[n:]
		piece.Fragment = len(rest) > 0
		if err := send(piece); err != nil {
			return err
		}
	}
	return nil
}

// fitting returns how many of the events take less than room bytes, at least one.
func fitting(events []*mvccpb.Event, room int) int {
	tag := protowire.SizeTag(watchResponseEvents)
	for i, ev := range events {
		room -= tag + protowire.SizeBytes(proto.Size(ev))
		if room <= 0 && i > 0 {
			return i
		}
	}
	return len(events)
}

// watchResponseEvents is the field number of WatchResponse.events.
const watchResponseEvents = 11
