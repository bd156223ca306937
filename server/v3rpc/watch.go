package v3rpc

import (
	"context"
	"errors"
	"io"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// ctrlStreamBufLen is how many answers to requests may wait for the send loop
// before the receive loop waits as well. A client asks rarely, and is told often.
const ctrlStreamBufLen = 16

// invalidWatchID stands for no watcher, or for all of a stream.
const invalidWatchID = mvcc.WatchID(clientv3.InvalidWatchID)

// watchServer serves etcdserverpb.Watch. It stands for watchServer upstream.
type watchServer struct {
	pb.UnimplementedWatchServer
	lg        *zap.Logger
	hdr       header
	watchable mvcc.WatchableKV
	// maxRequestBytes is the size at which a response is cut in pieces for a
	// watcher that asked for it.
	maxRequestBytes  int
	progressInterval time.Duration
	seams            Seams
}

func newWatchServer(s Server, cfg Config) *watchServer {
	return &watchServer{
		lg:               cfg.Logger,
		hdr:              newHeader(s),
		watchable:        s.KV(),
		maxRequestBytes:  int(cfg.MaxRequestBytes),
		progressInterval: progressInterval(cfg),
		seams:            cfg.Seams,
	}
}

// WatchLoop is what the send loop of a watch stream does, over and over. It
// stands for the two halves of sendLoop's body upstream.
type WatchLoop interface {
	// Next waits until there is something to send. The error is the one that the
	// stream ends with.
	Next() (WatchMessage, error)
	// Send sends a message that Next returned, or keeps it back when it is for a
	// watcher that the client has not been told of. The error ends the stream.
	Send(m WatchMessage) error
}

// WatchMessage is one thing for the send loop to do: an answer to the client,
// or what the store has for one of the watchers.
type WatchMessage struct {
	// Control answers a request of the client; nil when the message is from the
	// store.
	Control *pb.WatchResponse
	// Response is from the store: events, the progress of a watcher that has
	// none, or the end of one whose revision has been compacted.
	Response mvcc.WatchResponse

	watcher watcher         // of the watcher that Control announces
	done    chan<- struct{} // closed when Control has been dealt with; may be nil
}

// serverWatchStream is one stream with any number of watchers. Two goroutines
// work on it. The receive loop takes the client's requests and creates and
// cancels watchers in the store; the send loop sends what comes of it. They meet
// in ctrlStream, so that a client that does not read holds up nobody but itself.
//
// The store sends to a channel of fixed length and never waits for it. When it
// is full, the watcher becomes a "victim" and is caught up later from the
// backend: a slow client costs disk reads and no memory.
type serverWatchStream struct {
	*watchServer
	gRPCStream  pb.Watch_WatchServer
	ctx         context.Context // the stream's own, asked for once
	watchStream mvcc.WatchStream
	ctrlStream  chan WatchMessage
	errc        chan error    // why the receive loop ended
	closec      chan struct{} // closed when the send loop has ended

	sending watchSender // belongs to the send loop
}

// Watch serves one stream until the client or the server ends it. A client that
// only closes its own half goes on receiving.
func (ws *watchServer) Watch(stream pb.Watch_WatchServer) error {
	sws := &serverWatchStream{
		watchServer: ws,
		gRPCStream:  stream,
		ctx:         stream.Context(),
		watchStream: ws.watchable.NewWatchStream(),
		ctrlStream:  make(chan WatchMessage, ctrlStreamBufLen),
		errc:        make(chan error, 1),
		closec:      make(chan struct{}),
	}
	defer sws.close()
	// Nobody waits for the receive loop: only the end of this handler makes
	// gRPC let go of it. All that it can still meet then is closed.
	go func() {
		if err := sws.recvLoop(); err != nil {
			logStreamError(sws.ctx, sws.lg, "receive watch request", err)
			sws.errc <- err
		}
	}()
	return sws.sendLoop()
}

// close ends all watchers of the stream.
func (sws *serverWatchStream) close() {
	sws.watchStream.Close()
	close(sws.closec)
	sws.discardAll()
}

// watchErr is what a stream ends with because of err. A cancelled one has a text
// of its own in etcd's API.
func watchErr(err error) error {
	if errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled {
		return rpctypes.ErrGRPCWatchCanceled
	}
	return err
}

// logStreamError logs why a stream broke. That a client went away is no news.
func logStreamError(ctx context.Context, lg *zap.Logger, doing string, err error) {
	switch code := status.Code(err); {
	case ctx.Err() != nil, code == codes.Canceled, code == codes.DeadlineExceeded, code == codes.Unavailable:
		lg.Debug(doing, zap.Error(err))
	default:
		lg.Warn(doing, zap.Error(err))
	}
}

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
