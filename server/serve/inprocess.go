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
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	"go.etcd.io/etcd/server/v3/proxy/grpcproxy/adapter"

	"glasskv/server/v3rpc"
)

// keepAliveTimeout is how long a keep-alive of the client waits for its first answer, which
// takes a function call here and no network.
const keepAliveTimeout = time.Second

// inProcess is a client of etcd's own library whose calls are function calls, without
// connection and encoding. The lock and election services call the handlers with it. It is
// v3client.New upstream.
type inProcess struct {
	*clientv3.Client
	// streams counts the running handlers of the client's streams.
	streams sync.WaitGroup
}

func newInProcess(s v3rpc.Services) *inProcess {
	c := &inProcess{Client: clientv3.NewCtxClient(context.Background())}
	kv := adapter.KvServerToKvClient(s.KV)
	lease := adapter.LeaseServerToLeaseClient(&countedLease{s.Lease, &c.streams})
	watch := adapter.WatchServerToWatchClient(&countedWatch{s.Watch, &c.streams})
	c.KV = clientv3.NewKVFromKVClient(kv, c.Client)
	c.Lease = clientv3.NewLeaseFromLeaseClient(lease, c.Client, keepAliveTimeout)
	c.Watcher = &streamPerWatch{Watcher: clientv3.NewWatchFromWatchClient(watch, c.Client)}
	return c
}

// close ends the client's calls and returns when the handlers of its streams have
// returned. The client must not be used after it.
func (c *inProcess) close() {
	// Close returns that the client's context has ended, and no other error.
	_ = c.Client.Close()
	c.streams.Wait()
}

// streamPerWatch opens a stream for every watch, so that a stream serves a single request
// and ends with it. The client by itself would have all watches share a stream, which would
// carry the context of the request that came first and outlive it.
type streamPerWatch struct {
	clientv3.Watcher
	opened atomic.Uint64
}

// streamKey is the metadata key of the stream's number. The client opens a stream for each
// distinct set of metadata.
const streamKey = "glasskv-in-process"

func (w *streamPerWatch) Watch(ctx context.Context, key string, opts ...clientv3.OpOption) clientv3.WatchChan {
	n := strconv.FormatUint(w.opened.Add(1), 10)
	ctx = context.WithValue(ctx, callerKey{}, ctx)
	return w.Watcher.Watch(metadata.AppendToOutgoingContext(ctx, streamKey, n), key, opts...)
}

// callerKey is the key of the caller's context in the context of a stream.
type callerKey struct{}

// countedWatch is a watch server that counts its streams and ends a stream when the context
// of its caller ends. The client by itself passes on only the values of that context.
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

// lockServer is etcd's lock service. Each Lock, which may wait, gets a client of its own.
type lockServer struct {
	v3lockpb.LockServer
	c *inProcess
}

func newLockServer(c *inProcess) *lockServer {
	return &lockServer{v3lock.NewLockServer(c.Client), c}
}

// Lock waits until the caller has the lock.
func (s *lockServer) Lock(ctx context.Context, r *v3lockpb.LockRequest) (*v3lockpb.LockResponse, error) {
	c := s.c.forRequest(ctx)
	defer c.close()
	return v3lock.NewLockServer(c.Client).Lock(c.ctx, r)
}

// electionServer is etcd's election service. Each Campaign and each Observe, which may wait,
// gets a client of its own.
type electionServer struct {
	v3electionpb.ElectionServer
	c *inProcess
}

func newElectionServer(c *inProcess) *electionServer {
	return &electionServer{v3election.NewElectionServer(c.Client), c}
}

// Campaign waits until the caller is the leader.
func (s *electionServer) Campaign(
	ctx context.Context, r *v3electionpb.CampaignRequest,
) (*v3electionpb.CampaignResponse, error) {
	c := s.c.forRequest(ctx)
	defer c.close()
	return v3election.NewElectionServer(c.Client).Campaign(c.ctx, r)
}

// Observe sends the leader, and each new one, until the caller goes away.
func (s *electionServer) Observe(r *v3electionpb.LeaderRequest, stream v3electionpb.Election_ObserveServer) error {
	c := s.c.forRequest(stream.Context())
	defer c.close()
	return v3election.NewElectionServer(c.Client).Observe(r, &observeStream{stream, c.ctx})
}

// observeStream is a stream with another context.
type observeStream struct {
	v3electionpb.Election_ObserveServer
	ctx context.Context
}

func (s *observeStream) Context() context.Context { return s.ctx }

// requestClient is the in-process client for a single request. It makes sure that the
// request's streams end with it.
//
// A caller that gives up waiting for a lock must still be removed from the queue. The lock
// service does that with the client's context, because the request's has ended. So the
// client's context has the values of the request's.
type requestClient struct {
	*clientv3.Client
	ctx     context.Context // the request's
	cancel  context.CancelFunc
	streams requestStreams
}

// forRequest returns the client for a request with context ctx. It must be closed.
func (c *inProcess) forRequest(ctx context.Context) *requestClient {
	r := &requestClient{Client: clientv3.NewCtxClient(withRequestValues{c.Ctx(), ctx})}
	r.KV, r.Watcher, r.Lease = c.KV, sharedWatcher{c.Watcher}, sharedLease{c.Lease}
	r.ctx, r.cancel = context.WithCancel(context.WithValue(ctx, streamsKey{}, &r.streams))
	return r
}

// close ends the watches of the request and returns when they have ended.
func (r *requestClient) close() {
	r.cancel()
	r.streams.wait()
	_ = r.Client.Close() // returns that its context has ended, and no other error
}

// streamsKey is the key of the request's streams in its context.
type streamsKey struct{}

// requestStreams counts the in-process streams that a request has open. Its methods may be
// called by any goroutine.
type requestStreams struct {
	mu     sync.Mutex
	closed bool
	open   sync.WaitGroup
}

// enter counts a stream. It returns false after wait: the stream must not be opened then.
// If it returns true, the caller must call leave when the stream has ended.
func (s *requestStreams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.open.Add(1)
	}
	return !s.closed
}

func (s *requestStreams) leave() { s.open.Done() }

// wait makes enter return false from now on, and returns when all streams have ended.
func (s *requestStreams) wait() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.open.Wait()
}

// withRequestValues is a context with the values of the request's context as well, which may
// have ended.
type withRequestValues struct {
	context.Context
	request context.Context
}

func (c withRequestValues) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.request.Value(key)
}

// sharedWatcher and sharedLease stay open when the client of a request is closed.
type (
	sharedWatcher struct{ clientv3.Watcher }
	sharedLease   struct{ clientv3.Lease }
)

// Close does nothing.
func (sharedWatcher) Close() error { return nil }

// Close does nothing.
func (sharedLease) Close() error { return nil }
