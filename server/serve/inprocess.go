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

// lockServer is etcd's lock service. Lock, which may wait, gets a client of its
// own each time.
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

// electionServer is etcd's election service. Campaign and Observe may wait, as
// Lock does.
type electionServer struct {
	v3electionpb.ElectionServer
	c *inProcess
}

func newElectionServer(c *inProcess) *electionServer {
	return &electionServer{v3election.NewElectionServer(c.Client), c}
}

// Campaign waits until the caller leads.
func (s *electionServer) Campaign(
	ctx context.Context, r *v3electionpb.CampaignRequest,
) (*v3electionpb.CampaignResponse, error) {
	c := s.c.forRequest(ctx)
	defer c.close()
	return v3election.NewElectionServer(c.Client).Campaign(c.ctx, r)
}

// Observe tells who leads, over and over, until the caller goes away.
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

// requestClient is the in-process client as one request has it.
//
// Who gives up waiting for a lock leaves the queue in the name of the client, not
// of the request, which is over: so the client's own context carries what the
// request's does. And nothing that the request has begun is left when it is over.
type requestClient struct {
	*clientv3.Client
	ctx     context.Context // the request's
	cancel  context.CancelFunc
	streams requestStreams
}

func (c *inProcess) forRequest(ctx context.Context) *requestClient {
	r := &requestClient{Client: clientv3.NewCtxClient(outlasting{c.Ctx(), ctx})}
	r.KV, r.Watcher, r.Lease = c.KV, keptWatcher{c.Watcher}, keptLease{c.Lease}
	r.ctx, r.cancel = context.WithCancel(context.WithValue(ctx, streamsKey{}, &r.streams))
	return r
}

// close ends the watches of the request and returns when they have ended.
func (r *requestClient) close() {
	r.cancel()
	r.streams.wait()
	_ = r.Client.Close() // which reports that its context has ended
}

// streamsKey is the key under which a request's context holds its streams.
type streamsKey struct{}

// requestStreams counts the streams that a request has open in-process.
type requestStreams struct {
	mu   sync.Mutex
	over bool
	open sync.WaitGroup
}

// enter reports whether a stream may begin. If so, leave must follow.
func (s *requestStreams) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.over {
		s.open.Add(1)
	}
	return !s.over
}

func (s *requestStreams) leave() { s.open.Done() }

// wait lets no stream begin any more and returns when none is left.
func (s *requestStreams) wait() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.open.Wait()
}

// outlasting is a context with the end of one and the values of another.
type outlasting struct {
	context.Context
	request context.Context
}

func (c outlasting) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.request.Value(key)
}

// keptWatcher and keptLease stay open when the client of one request is closed.
type (
	keptWatcher struct{ clientv3.Watcher }
	keptLease   struct{ clientv3.Lease }
)

// Close does nothing.
func (keptWatcher) Close() error { return nil }

// Close does nothing.
func (keptLease) Close() error { return nil }
