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

// watchSender is the state of the send loop. Only the loop's goroutine uses it, so it
// needs no lock.
type watchSender struct {
	// watchers are those whose ID the client has been sent. pending holds the responses of
	// the store for watchers whose ID the client has not been sent yet.
	watchers map[mvcc.WatchID]watcher
	pending  map[mvcc.WatchID][]mvcc.WatchResponse
	// queue[next:] is what was taken from the store's channel and not sent yet.
	queue []mvcc.WatchResponse
	next  int
	// progress ticks when progress notifications are due; it is nil until a watcher asks
	// for them.
	progress *time.Ticker
	header   *pb.ResponseHeader // the header of the last response
}

// watcher is what the send loop knows of a watcher: the options of its request.
type watcher struct {
	prevKV         bool
	fragment       bool
	progressNotify bool
	// progressDue is false if there were events since the last tick: they tell the client
	// the watcher's progress as well.
	progressDue bool
}

// sendLoop sends answers and events until the stream ends, and returns the error that it
// ends with.
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

// Next implements WatchLoop.
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
			sws.drainStore()
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

// drainStore moves what is in the store's channel to the queue, so that the store can
// fill the channel again during a send. With many watchers on the stream a single write can
// fill it, and watchers without room in it have to be caught up from the backend.
func (sws *serverWatchStream) drainStore() {
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

// Send implements WatchLoop.
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

// sendControl sends an answer and updates the sender's watchers by it.
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
		return sws.addWatcher(id, m.watcher)
	}
}

// addWatcher adds a watcher after the client has been sent its ID. Then it sends the
// responses that the store already had for the watcher.
func (sws *serverWatchStream) addWatcher(id mvcc.WatchID, w watcher) error {
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

// forget removes a cancelled watcher and discards what the store sent for it. The store
// sends nothing more for it, so all of that is in the channel, the queue or pending.
func (sws *serverWatchStream) forget(id mvcc.WatchID) {
	s := &sws.sending
	delete(s.watchers, id)
	sws.drainStore()
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

// discardAll discards all that the store sent and that was not sent to the client. The
// store's channel must be closed.
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

// discard subtracts the events of responses that are not sent from the store's metric of
// pending events.
func discard(responses []mvcc.WatchResponse) {
	for _, resp := range responses {
		mvcc.ReportEventReceived(len(resp.Events))
	}
}

// sendResponse sends a response from the store to the client, with what w asked for.
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

// eventHeader returns the header for a response from the store at revision rev. A
// write may go to thousands of watchers, so the last header is returned again if it
// fits. A header must not be changed after it has been sent.
func (sws *serverWatchStream) eventHeader(rev int64) *pb.ResponseHeader {
	rh, term := sws.sending.header, sws.hdr.status.Term()
	if rh == nil || rh.Revision != rev || rh.RaftTerm != term {
		rh = &pb.ResponseHeader{Revision: rev}
		sws.hdr.fillWithoutRevision(rh)
		sws.sending.header = rh
	}
	return rh
}

// withPrevKV returns copies of the events, each with the key's previous value: all
// watchers of a key share its events, so they must not be changed. There is no previous
// value if it has been compacted, or if the event created the key.
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

// sendFragments sends a response in fragments smaller than maxBytes; only a fragment with
// a single event may be larger. All fragments but the last are marked as such, so that
// the client can put them together again.
func sendFragments(wr *pb.WatchResponse, maxBytes int, send func(*pb.WatchResponse) error) error {
	if len(wr.Events) < 2 || proto.Size(wr) < maxBytes {
		return send(wr)
	}
	for rest := wr.Events; len(rest) > 0; {
		// Each fragment is a new message, because send may pass it on instead of
		// encoding it at once.
		fragment := &pb.WatchResponse{
			Header: wr.Header, WatchId: wr.WatchId,
			CompactRevision: wr.CompactRevision, Canceled: wr.Canceled,
			Fragment: true,
		}
		n := countFitting(rest, maxBytes-proto.Size(fragment))
		fragment.Events, rest = rest[:n], rest[n:]
		fragment.Fragment = len(rest) > 0
		if err := send(fragment); err != nil {
			return err
		}
	}
	return nil
}

// countFitting returns how many of the events take less than room bytes together, but at
// least 1.
func countFitting(events []*mvccpb.Event, room int) int {
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

// A watcher that asks for it gets progress notifications while nothing happens to its
// keys: each has the revision up to which the watcher has seen everything. After a lost
// connection the client can go on from there, and not from a revision that has been
// compacted long ago.
const (
	// DefaultWatchProgressNotifyInterval is etcd's default.
	DefaultWatchProgressNotifyInterval = 10 * time.Minute
	minWatchProgressInterval           = 100 * time.Millisecond
)

// progressInterval returns the configured interval, or the default, or the minimum.
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

// jittered returns the interval with up to a tenth added at random. After a restart many
// streams are opened at the same moment, and their notifications should not be due at
// the same moment ever after.
func jittered(interval time.Duration) time.Duration {
	return interval + rand.N(interval/10)
}

// progressC returns a channel that ticks when progress notifications are due. It is nil,
// and so never ready, while no watcher has asked for them.
func (s *watchSender) progressC() <-chan time.Time {
	if s.progress == nil {
		return nil
	}
	return s.progress.C
}

// requestProgress asks the store for the progress of the watchers that had no event since
// the last tick. The store answers through its channel, behind the events that the
// answer covers.
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
