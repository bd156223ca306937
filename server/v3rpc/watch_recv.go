package v3rpc

import (
	"errors"
	"io"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// recvLoop takes the client's requests, one after the other. It returns nil when
// the client has no more of them, or when the send loop has ended.
func (sws *serverWatchStream) recvLoop() error {
	for {
		req, err := sws.gRPCStream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !sws.handle(req) {
			return nil
		}
	}
}

// handle does what the client asks for. It reports false when the stream is over.
func (sws *serverWatchStream) handle(req *pb.WatchRequest) bool {
	switch uv := req.RequestUnion.(type) {
	case *pb.WatchRequest_CreateRequest:
		if uv.CreateRequest != nil {
			return sws.create(uv.CreateRequest)
		}
	case *pb.WatchRequest_CancelRequest:
		if uv.CancelRequest != nil {
			return sws.cancel(mvcc.WatchID(uv.CancelRequest.WatchId))
		}
	case *pb.WatchRequest_ProgressRequest:
		if uv.ProgressRequest != nil {
			// The store answers through its channel, behind the events that the
			// answer says have been sent; it does not answer while a watcher lags.
			sws.watchStream.RequestProgressAll()
		}
	default:
		// Not worth the other watchers of the stream.
		sws.lg.Info("ignored a watch request of unknown type")
	}
	return true
}

// create starts a watcher in the store, and leaves it to the send loop to tell
// the client. The store may have events for it before that.
func (sws *serverWatchStream) create(creq *pb.WatchCreateRequest) bool {
	if creq.StartRevision < 0 {
		return sws.control(sws.refusal(rpctypes.ErrCompacted.Error()))
	}
	key, end := watchedRange(creq)
	id, err := sws.watchStream.Watch(sws.ctx, mvcc.WatchID(creq.WatchId), key, end,
		creq.StartRevision, filtersFromRequest(creq)...)
	if err != nil {
		return sws.control(sws.refusal(err.Error()))
	}
	return sws.control(WatchMessage{
		Control: &pb.WatchResponse{Header: sws.newResponseHeader(), WatchId: int64(id), Created: true},
		watcher: watcher{
			prevKV:         creq.PrevKv,
			fragment:       creq.Fragment,
			progressNotify: creq.ProgressNotify,
			progressDue:    creq.ProgressNotify,
		},
	})
}

// watchedRange turns the API's way of writing a range into the store's: an
// empty key is the smallest one, no end is a single key, and an end of one zero
// byte is no upper bound, for which the store wants an end that is empty and
// not nil.
func watchedRange(creq *pb.WatchCreateRequest) (key, end []byte) {
	key, end = creq.Key, creq.RangeEnd
	if len(key) == 0 {
		key = []byte{0}
	}
	switch {
	case len(end) == 0:
		end = nil
	case len(end) == 1 && end[0] == 0:
		end = []byte{}
	}
	return key, end
}

// refusal tells the client that a watcher has not been created.
func (sws *serverWatchStream) refusal(reason string) WatchMessage {
	return WatchMessage{Control: &pb.WatchResponse{
		Header:       sws.newResponseHeader(),
		WatchId:      int64(invalidWatchID),
		Created:      true,
		Canceled:     true,
		CancelReason: reason,
	}}
}

// cancel ends a watcher. One that does not exist is not answered, as in etcd.
//
// It waits until the send loop has thrown away what the store had sent for the
// watcher before: the next request may create one with the same ID.
func (sws *serverWatchStream) cancel(id mvcc.WatchID) bool {
	if err := sws.watchStream.Cancel(id); err != nil {
		sws.lg.Debug("cancel watcher", zap.Int64("watch-id", int64(id)), zap.Error(err))
		return true
	}
	done := make(chan struct{})
	if !sws.control(WatchMessage{
		Control: &pb.WatchResponse{Header: sws.newResponseHeader(), WatchId: int64(id), Canceled: true},
		done:    done,
	}) {
		return false
	}
	select {
	case <-done:
		return true
	case <-sws.closec:
		return false
	}
}

// control hands an answer to the send loop. It reports false when that has ended.
func (sws *serverWatchStream) control(m WatchMessage) bool {
	select {
	case sws.ctrlStream <- m:
		return true
	case <-sws.closec:
		return false
	}
}

// newResponseHeader is for answers: their revision is the store's.
func (sws *serverWatchStream) newResponseHeader() *pb.ResponseHeader {
	rh := &pb.ResponseHeader{Revision: sws.watchStream.Rev()}
	sws.hdr.fillWithoutRevision(rh)
	return rh
}

// filtersFromRequest returns what the watcher does not want to see.
func filtersFromRequest(creq *pb.WatchCreateRequest) []mvcc.FilterFunc {
	var filters []mvcc.FilterFunc
	for _, ft := range creq.Filters {
		switch ft {
		case pb.WatchCreateRequest_NOPUT:
			filters = append(filters, filterNoPut)
		case pb.WatchCreateRequest_NODELETE:
			filters = append(filters, filterNoDelete)
		}
	}
	return filters
}

func filterNoPut(e *mvccpb.Event) bool    { return e.Type == mvccpb.Event_PUT }
func filterNoDelete(e *mvccpb.Event) bool { return e.Type == mvccpb.Event_DELETE }
