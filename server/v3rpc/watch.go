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

// ctrlStreamBufLen is how many answers to requests may wait for the send loop before the
// receive loop has to wait as well. It is etcd's number.
const ctrlStreamBufLen = 16

// invalidWatchID means no watcher, or all watchers of a stream.
const invalidWatchID = mvcc.WatchID(clientv3.InvalidWatchID)

// watchServer serves etcdserverpb.Watch. Upstream has a type of the same name.
type watchServer struct {
	pb.UnimplementedWatchServer
	lg               *zap.Logger
	hdr              header
	watchable        mvcc.WatchableKV
	maxRequestBytes  int // see Config.MaxRequestBytes
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

// WatchLoop is what the send loop of a watch stream does, over and over: the two halves
// of sendLoop's body upstream. Only one goroutine calls it.
type WatchLoop interface {
	// Next waits until there is something to send. If it returns an error, the stream
	// ends with that error.
	Next() (WatchMessage, error)
	// Send sends a message that Next returned. If the message is for a watcher whose ID
	// the client has not been sent yet, Send keeps it back. If Send returns an error, the
	// stream ends.
	Send(m WatchMessage) error
}

// WatchMessage is what the send loop sends: an answer to a request of the client, or what
// the store has for a watcher.
type WatchMessage struct {
	// Control answers a request of the client; it is nil if the message is from the
	// store.
	Control *pb.WatchResponse
	// Response is what the store has for a watcher: events, the progress of a watcher
	// without events, or the end of a watcher whose revision has been compacted.
	Response mvcc.WatchResponse

	watcher watcher         // the new watcher, if Control announces one
	done    chan<- struct{} // closed after the attempt to send Control; may be nil
}

// serverWatchStream is one stream with any number of watchers. Two goroutines work on it:
//
//	client → recvLoop → ctrlStream ─┐
//	             └ store → Chan() ──┴→ sendLoop → client
//
// The receive loop takes the client's requests, and creates and cancels watchers in the
// store. The send loop sends the answers, which come through ctrlStream, and the events,
// which come through the store's channel.
//
// The store never waits for its channel, which has a fixed length. If the channel is
// full, the watcher becomes a "victim" and is caught up later from the backend: a slow
// client costs disk reads and no memory, and delays no other client.
type serverWatchStream struct {
	*watchServer
	gRPCStream  pb.Watch_WatchServer
	ctx         context.Context // the stream's
	watchStream mvcc.WatchStream
	ctrlStream  chan WatchMessage
	errc        chan error    // why the receive loop ended
	closec      chan struct{} // closed when the send loop has ended

	sending watchSender // for the send loop's goroutine only
}

// Watch serves a stream until the client or the server ends it. A client that only closes
// its own half goes on receiving.
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
	// The handler must not wait for the receive loop: its Recv returns only after the
	// handler has. The channels that the loop may still wait for are closed by then.
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

// watchErr returns the error that a stream ends with if err happened. etcd's API has a
// status of its own for a cancelled watch.
func watchErr(err error) error {
	if errors.Is(err, context.Canceled) || status.Code(err) == codes.Canceled {
		return rpctypes.ErrGRPCWatchCanceled
	}
	return err
}

// logStreamError logs why a stream broke: as a warning, unless it is only that the client
// went away.
func logStreamError(ctx context.Context, lg *zap.Logger, msg string, err error) {
	switch code := status.Code(err); {
	case ctx.Err() != nil, code == codes.Canceled, code == codes.DeadlineExceeded, code == codes.Unavailable:
		lg.Debug(msg, zap.Error(err))
	default:
		lg.Warn(msg, zap.Error(err))
	}
}

// recvLoop handles the client's requests, one after the other. It returns nil when the
// client has no more of them or the send loop has ended.
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

// handle carries out a request of the client. It returns false if the stream has ended.
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
			// The store answers through its channel, behind the events that the answer
			// covers. It does not answer while a watcher lags.
			sws.watchStream.RequestProgressAll()
		}
	default:
		// An error would end the stream's other watchers as well.
		sws.lg.Info("ignored a watch request of unknown type")
	}
	return true
}

// create creates a watcher in the store and has the send loop tell the client. The store
// may send the watcher's events before the client is told. create returns false if the
// stream has ended.
func (sws *serverWatchStream) create(creq *pb.WatchCreateRequest) bool {
	if creq.StartRevision < 0 {
		return sws.enqueue(sws.refusal(rpctypes.ErrCompacted.Error()))
	}
	key, end := watchedRange(creq)
	id, err := sws.watchStream.Watch(sws.ctx, mvcc.WatchID(creq.WatchId), key, end,
		creq.StartRevision, filtersFromRequest(creq)...)
	if err != nil {
		return sws.enqueue(sws.refusal(err.Error()))
	}
	return sws.enqueue(WatchMessage{
		Control: &pb.WatchResponse{Header: sws.newResponseHeader(), WatchId: int64(id), Created: true},
		watcher: watcher{
			prevKV:         creq.PrevKv,
			fragment:       creq.Fragment,
			progressNotify: creq.ProgressNotify,
			progressDue:    creq.ProgressNotify,
		},
	})
}

// watchedRange returns the request's range as the store expects it:
//
//	API                 store
//	empty key           "\x00", the smallest key
//	no end              nil: the key alone
//	end of "\x00"       empty and not nil: no upper bound
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

// refusal returns the message that a watcher has not been created.
func (sws *serverWatchStream) refusal(reason string) WatchMessage {
	return WatchMessage{Control: &pb.WatchResponse{
		Header:       sws.newResponseHeader(),
		WatchId:      int64(invalidWatchID),
		Created:      true,
		Canceled:     true,
		CancelReason: reason,
	}}
}

// cancel cancels a watcher. As in etcd, a client that names no existing watcher gets no
// answer. It returns false if the stream has ended.
//
// It waits until the send loop has discarded what the store sent for the watcher: the
// next request may create a watcher with the same ID.
func (sws *serverWatchStream) cancel(id mvcc.WatchID) bool {
	if err := sws.watchStream.Cancel(id); err != nil {
		sws.lg.Debug("cancel watcher", zap.Int64("watch-id", int64(id)), zap.Error(err))
		return true
	}
	done := make(chan struct{})
	if !sws.enqueue(WatchMessage{
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

// enqueue passes an answer to the send loop. It returns false if the loop has ended.
func (sws *serverWatchStream) enqueue(m WatchMessage) bool {
	select {
	case sws.ctrlStream <- m:
		return true
	case <-sws.closec:
		return false
	}
}

// newResponseHeader returns the header of an answer: its revision is the store's current
// one.
func (sws *serverWatchStream) newResponseHeader() *pb.ResponseHeader {
	rh := &pb.ResponseHeader{Revision: sws.watchStream.Rev()}
	sws.hdr.fillWithoutRevision(rh)
	return rh
}

// filtersFromRequest returns a function for each kind of event that the watcher must not
// get; it reports whether an event is of that kind.
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
