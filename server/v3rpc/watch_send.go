package v3rpc

import (
	"context"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// watchSender is what the send loop knows. No other goroutine touches it, so
// there is no lock.
type watchSender struct {
	// watchers are those that the client has been told of, and pending is what
	// came for others too early.
	watchers map[mvcc.WatchID]watcher
	pending  map[mvcc.WatchID][]mvcc.WatchResponse
	// queue is what was taken from the store's channel and not sent yet, from
	// next on.
	queue []mvcc.WatchResponse
	next  int
	// progress is nil until a watcher asks to be told how far it is.
	progress *time.Ticker
	header   *pb.ResponseHeader // of the last response
}

// watcher is how one watcher wants its events.
type watcher struct {
	prevKV         bool
	fragment       bool
	progressNotify bool
	// progressDue is false when there were events since the last tick, which
	// tell the client as much.
	progressDue bool
}

// sendLoop sends whatever there is to be sent and returns why the stream is over.
func (sws *serverWatchStream) sendLoop() error {
	var loop WatchLoop = sws
	if sws.seams.Watch != nil {
		loop = sws.seams.Watch(sws.ctx, loop)
	}
	for {
		m, err := loop.Next()
		if err != nil {
			return err
		}
		if err := loop.Send(m); err != nil {
			logStreamError(sws.ctx, sws.lg, "send watch response", err)
			return watchErr(err)
		}
	}
}

// Next is the plain half of WatchLoop.
func (sws *serverWatchStream) Next() (WatchMessage, error) {
	s := &sws.sending
	for {
		if s.next < len(s.queue) {
			resp := s.queue[s.next]
			s.queue[s.next] = mvcc.WatchResponse{} // so that its events can be freed
			s.next++
			return WatchMessage{Response: resp}, nil
		}
		select {
		case resp := <-sws.watchStream.Chan():
			s.queue, s.next = append(s.queue[:0], resp), 0
			sws.takeAll()
		case m := <-sws.ctrlStream:
			return m, nil
		case <-s.progressC():
			sws.requestProgress()
		case err := <-sws.errc:
			return WatchMessage{}, watchErr(err)
		case <-sws.ctx.Done():
			return WatchMessage{}, watchErr(sws.ctx.Err())
		}
	}
}

// takeAll empties the store's channel, so that the store can fill it again while
// its contents are sent. Many watchers on one stream fill it with one write, and
// those for whom there is no room have to be caught up.
func (sws *serverWatchStream) takeAll() {
	s := &sws.sending
	for range mvcc.ChanBufLen() {
		select {
		case resp := <-sws.watchStream.Chan():
			s.queue = append(s.queue, resp)
		default:
			return
		}
	}
}

// Send is the other half of WatchLoop.
func (sws *serverWatchStream) Send(m WatchMessage) error {
	if m.Control != nil {
		return sws.sendControl(m)
	}
	s, id := &sws.sending, m.Response.WatchID
	w, announced := s.watchers[id]
	if !announced && id != invalidWatchID {
		if s.pending == nil {
			s.pending = make(map[mvcc.WatchID][]mvcc.WatchResponse)
		}
		s.pending[id] = append(s.pending[id], m.Response)
		return nil
	}
	return sws.sendResponse(w, m.Response)
}

// sendControl sends an answer and does what follows from it.
func (sws *serverWatchStream) sendControl(m WatchMessage) error {
	if m.done != nil {
		defer close(m.done)
	}
	if err := sws.gRPCStream.Send(m.Control); err != nil {
		return err
	}
	id := mvcc.WatchID(m.Control.WatchId)
	switch {
	case id == invalidWatchID:
		return nil
	case m.Control.Canceled:
		sws.forget(id)
		return nil
	default:
		return sws.announced(id, m.watcher)
	}
}

// announced lets a watcher's events pass, now that the client knows its ID.
func (sws *serverWatchStream) announced(id mvcc.WatchID, w watcher) error {
	s := &sws.sending
	if s.watchers == nil {
		s.watchers = make(map[mvcc.WatchID]watcher)
	}
	s.watchers[id] = w
	if w.progressNotify && s.progress == nil {
		s.progress = time.NewTicker(jittered(sws.progressInterval))
	}
	early := s.pending[id]
	delete(s.pending, id)
	for i, resp := range early {
		if err := sws.sendResponse(w, resp); err != nil {
			discard(early[i+1:])
			return err
		}
	}
	return nil
}

// forget throws away what the store has sent for a watcher that is cancelled.
// There will be nothing more, so that all of it is in the channel or taken from
// it already.
func (sws *serverWatchStream) forget(id mvcc.WatchID) {
	s := &sws.sending
	delete(s.watchers, id)
	sws.takeAll()
	kept := s.queue[:s.next]
	for _, resp := range s.queue[s.next:] {
		if resp.WatchID == id {
			mvcc.ReportEventReceived(len(resp.Events))
			continue
		}
		kept = append(kept, resp)
	}
	clear(s.queue[len(kept):])
	s.queue = kept
	discard(s.pending[id])
	delete(s.pending, id)
}

// discardAll is for the end of the stream, when the store's channel is closed.
func (sws *serverWatchStream) discardAll() {
	s := &sws.sending
	if s.progress != nil {
		s.progress.Stop()
	}
	discard(s.queue[s.next:])
	for resp := range sws.watchStream.Chan() {
		mvcc.ReportEventReceived(len(resp.Events))
	}
	for _, early := range s.pending {
		discard(early)
	}
}

// discard tells the store's gauge of pending events that these are pending no
// more.
func discard(responses []mvcc.WatchResponse) {
	for _, resp := range responses {
		mvcc.ReportEventReceived(len(resp.Events))
	}
}

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

// Watchers that ask for it are told how far they are when nothing has happened
// to their keys for a while, so that after a lost connection they need not start
// from a revision that is long compacted.
const (
	// DefaultWatchProgressNotifyInterval is etcd's.
	DefaultWatchProgressNotifyInterval = 10 * time.Minute
	minWatchProgressInterval           = 100 * time.Millisecond
)

// progressInterval is the configured interval within its bounds.
func progressInterval(cfg Config) time.Duration {
	interval := cfg.WatchProgressNotifyInterval
	if interval <= 0 {
		return DefaultWatchProgressNotifyInterval
	}
	if interval < minWatchProgressInterval {
		cfg.Logger.Warn("raised the watch progress notify interval to its minimum",
			zap.Duration("given", interval), zap.Duration("minimum", minWatchProgressInterval))
		return minWatchProgressInterval
	}
	return interval
}

// jittered adds up to a tenth. Streams are often opened at the same moment, after
// a restart, and should not all be told at the same moment ever after.
func jittered(interval time.Duration) time.Duration {
	return interval + rand.N(interval/10)
}

// progressC ticks when progress is due; it is nil, and never ticks, while no
// watcher wants to know.
func (s *watchSender) progressC() <-chan time.Time {
	if s.progress == nil {
		return nil
	}
	return s.progress.C
}

// requestProgress has the store say how far those watchers are that had no
// event since the last tick. The answer comes through the store's channel, after
// the events that it covers.
func (sws *serverWatchStream) requestProgress() {
	s := &sws.sending
	for id, w := range s.watchers {
		if !w.progressNotify {
			continue
		}
		if w.progressDue {
			sws.watchStream.RequestProgress(id)
		}
		w.progressDue = true
		s.watchers[id] = w
	}
}
