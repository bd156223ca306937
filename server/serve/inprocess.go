package serve

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/metadata"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/proxy/grpcproxy/adapter"

	"glasskv/server/v3rpc"
)

// keepAliveTimeout is how long a keep-alive of the client waits for its first
// answer. Nothing is on the way here but a function call.
const keepAliveTimeout = time.Second

// inProcess is a client of etcd's own library whose calls are function calls: no
// connection, no encoding. The lock and election services are written on such a
// client. It stands for v3client.New.
type inProcess struct {
	*clientv3.Client
	// streams counts the handlers of streams that the client has opened.
	streams sync.WaitGroup
}

func newInProcess(s v3rpc.Services) *inProcess {
	c := &inProcess{Client: clientv3.NewCtxClient(context.Background())}
	kv := adapter.KvServerToKvClient(s.KV)
	lease := adapter.LeaseServerToLeaseClient(&countedLease{s.Lease, &c.streams})
	watch := adapter.WatchServerToWatchClient(&countedWatch{s.Watch, &c.streams})
	c.KV = clientv3.NewKVFromKVClient(kv, c.Client)
	c.Lease = clientv3.NewLeaseFromLeaseClient(lease, c.Client, keepAliveTimeout)
	c.Watcher = &ownStreams{Watcher: clientv3.NewWatchFromWatchClient(watch, c.Client)}
	return c
}

// close ends all that the client has under way and returns when the handlers of
// its streams have returned. No call may be begun after it.
func (c *inProcess) close() {
	// The client's own context has ended by then, which is all that its Close
	// has to report.
	_ = c.Client.Close()
	c.streams.Wait()
}

// ownStreams opens a stream for every watch. The client would have them all
// share one, which belongs to the request that happened to come first and
// outlives it. This way a stream serves one request and ends with it.
type ownStreams struct {
	clientv3.Watcher
	opened atomic.Uint64
}

// streamKey tells the client's streams apart: it opens one for each set of
// metadata that it meets.
const streamKey = "glasskv-in-process"

func (w *ownStreams) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	n := strconv.FormatUint(w.opened.Add(1), 10)
	ctx = context.WithValue(ctx, callerKey{}, ctx)
	return w.Watcher.Watch(metadata.AppendToOutgoingContext(ctx, streamKey, n), key, opts...)
}

// callerKey is the key under which the context of a stream holds the context of
// the call that opened it.
type callerKey struct{}

// countedWatch is a watch server whose streams end with the call that opened
// them: the client lets a stream have the values of the caller's context and not
// its end.
type countedWatch struct {
	pb.WatchServer
	streams *sync.WaitGroup
}

func (w *countedWatch) Watch(ss pb.Watch_WatchServer) error {
	w.streams.Add(1)
	defer w.streams.Done()
	ctx, cancel := context.WithCancel(ss.Context())
	defer cancel()
	if request, ok := ctx.Value(streamsKey{}).(*requestStreams); ok {
		if !request.enter() {
			return context.Canceled
		}
		defer request.leave()
	}
	if caller, ok := ctx.Value(callerKey{}).(context.Context); ok {
		detach := context.AfterFunc(caller, cancel)
		defer detach()
	}
	return w.WatchServer.Watch(&watchStream{ss, ctx})
}

// watchStream is a stream with another context.
type watchStream struct {
	pb.Watch_WatchServer
	ctx context.Context
}

func (s *watchStream) Context() context.Context { return s.ctx }

// countedLease counts the streams of a lease server.
type countedLease struct {
	pb.LeaseServer
	streams *sync.WaitGroup
}

func (l *countedLease) LeaseKeepAlive(ss pb.Lease_LeaseKeepAliveServer) error {
	l.streams.Add(1)
	defer l.streams.Done()
	return l.LeaseServer.LeaseKeepAlive(ss)
}
