package seam

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"glasskv/server/seam/seamtest"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// etcdStream is a watch or keep-alive stream, message by message.
type etcdStream struct {
	watch     pb.Watch_WatchClient
	keepAlive pb.Lease_LeaseKeepAliveClient
	cancel    context.CancelFunc
}

// open reads: watch|keep-alive as=NAME.
func (s *story) open(w words) string {
	s.settle()
	ctx, cancel := context.WithCancel(seamtest.Limit(s))
	s.Cleanup(cancel)
	stream, cc := &etcdStream{cancel: cancel}, s.conn(w.named("conn", "first"))
	var err error
	if w.at(0) == "watch" {
		stream.watch, err = pb.NewWatchClient(cc).Watch(ctx)
	} else {
		stream.keepAlive, err = pb.NewLeaseClient(cc).LeaseKeepAlive(ctx)
	}
	s.must(err)
	s.etcdStreams[w.named("as", "")] = stream
	return ""
}

func (s *story) opened(w words) *etcdStream {
	stream := s.etcdStreams[w.at(0)]
	if stream == nil {
		s.Fatalf("no stream %q", w.at(0))
	}
	return stream
}

// create reads: NAME KEY [rev=N] [prev]; it waits for the answer.
func (s *story) create(w words) string {
	stream := s.opened(w)
	s.must(stream.watch.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{
		CreateRequest: &pb.WatchCreateRequest{
			Key: []byte(w.at(1)), StartRevision: int64(w.namedNumber("rev")), PrevKv: w.has("prev"),
		},
	}}))
	return s.event(w)
}

// unwatch reads: NAME ID; it waits for the answer.
func (s *story) unwatch(w words) string {
	s.must(s.opened(w).watch.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CancelRequest{
		CancelRequest: &pb.WatchCancelRequest{WatchId: int64(w.number(1))},
	}}))
	return s.event(w)
}

// event takes a watch stream's next message.
func (s *story) event(w words) string {
	resp, err := s.opened(w).watch.Recv()
	if err != nil {
		return "client: " + said(err, "") + "\n"
	}
	told := []string{fmt.Sprintf("client: watcher %d, revision %d:", resp.WatchId, resp.Header.Revision)}
	if resp.Created {
		told = append(told, "created")
	}
	if resp.Canceled {
		told = append(told, "cancelled", resp.CancelReason)
	}
	if resp.CompactRevision != 0 {
		told = append(told, fmt.Sprintf("compacted at %d", resp.CompactRevision))
	}
	for _, ev := range resp.Events {
		told = append(told, fmt.Sprintf("%s %s=%s", strings.ToLower(ev.Type.String()), ev.Kv.Key, ev.Kv.Value))
		if ev.PrevKv != nil {
			told = append(told, fmt.Sprintf("was %s", ev.PrevKv.Value))
		}
	}
	return strings.Join(strings.Fields(strings.Join(told, " ")), " ") + "\n"
}

// renew reads: NAME LEASE.
func (s *story) renew(w words) string {
	stream := s.opened(w).keepAlive
	s.must(stream.Send(&pb.LeaseKeepAliveRequest{ID: int64(w.number(1))}))
	resp, err := stream.Recv()
	return "client: " + said(err, fmt.Sprintf("lease %d has %d seconds", resp.GetID(), resp.GetTTL())) + "\n"
}

// leave ends a stream from the client's side, and shows its record. One that is
// half-closed ends in its own time.
func (s *story) leave(w words) string {
	stream := s.opened(w)
	if w.has("half") {
		s.must(stream.keepAlive.CloseSend())
	} else {
		stream.cancel()
	}
	return s.records(1, "", w)
}

// chunks reads: FROM TO [limit=N].
func (s *story) chunks(w words) string {
	s.settle()
	stream, err := pb.NewKVClient(s.conn(w.named("conn", "first"))).RangeStream(seamtest.Limit(s), &pb.RangeRequest{
		Key: []byte(w.at(0)), RangeEnd: []byte(w.at(1)), Limit: int64(w.namedNumber("limit")),
	})
	s.must(err)
	var told strings.Builder
	for {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return told.String() + s.records(1, "", w)
		}
		s.must(err)
		chunk := resp.GetRangeResponse()
		fmt.Fprintf(&told, "client: %d keys", len(chunk.GetKvs()))
		if chunk.GetHeader() != nil {
			fmt.Fprintf(&told, ", %d in all at revision %d", chunk.GetCount(), chunk.GetHeader().GetRevision())
		}
		told.WriteString("\n")
	}
}
