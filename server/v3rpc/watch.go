package v3rpc

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// ctrlStreamBufLen is how many answers to requests may wait for the send loop
// before the receive loop waits as well. A client asks rarely, and is told often.
const ctrlStreamBufLen = 16

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

// invalidWatchID stands for no watcher, or for all of a stream.
const invalidWatchID = mvcc.WatchID(clientv3.InvalidWatchID)
