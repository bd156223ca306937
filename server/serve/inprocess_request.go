package serve

import (
	"context"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
)

// lockServer is etcd's lock service. Lock gets a client of its own each time: one
// that gives up leaves the queue in the name of the client, for its request is
// over, and what it does then still belongs to the request.
type lockServer struct {
	v3lockpb.LockServer
	c *inProcess
}

func newLockServer(c *inProcess) *lockServer {
	return &lockServer{v3lock.NewLockServer(c.Client), c}
}

// Lock waits until the caller has the lock.
func (s *lockServer) Lock(ctx context.Context, r *v3lockpb.LockRequest) (*v3lockpb.LockResponse, error) {
	c, done := s.c.forRequest(ctx)
	defer done()
	return v3lock.NewLockServer(c).Lock(ctx, r)
}

// electionServer is etcd's election service. Campaign is to it what Lock is to
// the lock service.
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
	c, done := s.c.forRequest(ctx)
	defer done()
	return v3election.NewElectionServer(c).Campaign(ctx, r)
}

// forRequest returns the client as one request sees it: its own context ends with
// the client and carries what the request's carries. done must be called when
// the request is over.
func (c *inProcess) forRequest(ctx context.Context) (client *clientv3.Client, done func()) {
	client = clientv3.NewCtxClient(outlasting{c.Ctx(), ctx})
	client.KV, client.Watcher, client.Lease = c.KV, keptWatcher{c.Watcher}, keptLease{c.Lease}
	return client, func() { _ = client.Close() } // which reports that its context has ended
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
