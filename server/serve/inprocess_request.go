package serve

import (
	"context"
	"sync"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
)

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
