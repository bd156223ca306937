package v3rpc

import (
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
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
