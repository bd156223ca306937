package tour

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"

	seamclient "glasskv/server/seam/client"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/walkthrough/client"
	"glasskv/walkthrough/demo"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
)

// LiveOptions say on which server requests are made.
type LiveOptions struct {
	Endpoint string                           // the address of a running server; empty: Start starts a server
	TraceURL string                           // the URL of the server's timelines; empty: the URL that the server names
	Creds    credentials.TransportCredentials // nil: those that the endpoint's scheme requires
	Log      *zap.Logger                      // the log of the server that Start starts
}

// Live makes requests and returns their timelines. Its methods may be called by any
// number of goroutines at once. The caller must close it.
type Live struct {
	own      *demo.Live // the server that Start started; nil if another process runs it
	client   *client.Client
	traceURL string
	writes   atomic.Int64           // counts writes, so that each writes another value
	locked   atomic.Pointer[[]byte] // the key of the lock that is held
}

const (
	requestTimeout = 10 * time.Second // how long a request may take that has no deadline of its own
	fetchWait      = 2 * time.Second  // how long the server is asked to wait for a timeline
)

// Start connects to a server, or starts one in this process. It sends nothing to a
// running server; the first request opens the connection, and its timeline shows that.
func Start(ctx context.Context, o LiveOptions) (l *Live, err error) {
	l = &Live{traceURL: cmp.Or(o.TraceURL, endpoint.DefaultTraceURL)}
	if o.Endpoint == "" {
		if l.own, err = demo.StartLive(ctx, demo.LiveOptions{Log: o.Log}); err != nil {
			return nil, fmt.Errorf("start a server: %w", err)
		}
		l.traceURL = l.own.TraceURL()
	}
	reach, err := l.reach(o)
	if err == nil {
		l.client, err = client.Dial(reach)
	}
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// reach returns the options of the client.
func (l *Live) reach(o LiveOptions) (client.Options, error) {
	if l.own != nil {
		return l.own.Reach()
	}
	return client.Options{Endpoints: []string{o.Endpoint}, TraceURL: o.TraceURL, Creds: o.Creds}, nil
}

// Server returns the server that Start started, or nil if another process runs it.
func (l *Live) Server() *demo.Live { return l.own }

// Do makes one of the requests that Requests lists, and returns its timeline. A request
// that fails and has a timeline is not an error. Without a deadline in ctx, the request
// may take ten seconds.
func (l *Live) Do(ctx context.Context, name string) (*trace.Timeline, error) {
	r, err := find(name)
	if err != nil {
		return nil, err
	}
	if _, limited := ctx.Deadline(); !limited { // a caller that may hold the request sets one
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, requestTimeout)
		defer cancel()
	}
	if r.stream != nil {
		return l.doStream(ctx, r)
	}
	seen, sent := l.client.Do(ctx, func(ctx context.Context) error { return r.unary(l, ctx) })
	if seen == nil {
		return nil, fmt.Errorf("%s: %w", name, cmp.Or(l.client.Explain(sent), errors.New("the request was not recorded")))
	}
	t, err := l.client.Join(ctx, seen)
	if err != nil {
		why := l.client.Explain(sent)
		if neverLeft(why) {
			return nil, fmt.Errorf("%s: %w", name, why)
		}
		return nil, fmt.Errorf("%s: %w", name, errors.Join(why, err))
	}
	if r.after != nil {
		err = r.after(l, ctx)
	}
	return t, err
}

// neverLeft reports whether err says that the request reached no server. Then no server
// has a timeline of it.
func neverLeft(err error) bool {
	_, unreachable := errors.AsType[*client.UnreachableError](err)
	_, noPeer := errors.AsType[*client.HandshakeError](err)
	return unreachable || noPeer
}

// doStream makes a request that is a stream. The client does not observe streams, so
// doStream chooses the trace ID and asks the server for the timeline.
func (l *Live) doStream(ctx context.Context, r *request) (*trace.Timeline, error) {
	ctx, id := withTraceparent(ctx)
	if err := r.stream(l, ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, l.client.Explain(err))
	}
	e, err := l.endpoint().Get(ctx, id, fetchWait)
	if err != nil {
		return nil, err
	}
	return e.Timeline, nil
}

// Last returns the n requests that the server finished last, the newest first.
func (l *Live) Last(ctx context.Context, n int) ([]*trace.Timeline, error) {
	return l.endpoint().Last(ctx, n)
}

// Get returns the request with this trace ID. It returns endpoint.ErrUnknown if the
// server does not know it.
func (l *Live) Get(ctx context.Context, traceID string) (*trace.Timeline, error) {
	e, err := l.endpoint().Get(ctx, traceID, fetchWait)
	if err != nil {
		return nil, err
	}
	return e.Timeline, nil
}

func (l *Live) endpoint() *endpoint.Client { return &endpoint.Client{Base: l.traceURL} }

// Close closes the connection, and stops the server that Start started.
func (l *Live) Close() error {
	var errs []error
	if l.client != nil {
		errs = append(errs, l.client.Close())
	}
	if l.own != nil {
		errs = append(errs, l.own.Stop())
	}
	return errors.Join(errs...)
}

// Request is a request that Live can make.
type Request struct {
	Name   string
	EN, ZH string // what it is, in a few words
}

// request is a Request with the function that makes it: unary, which the client
// observes, or stream. After cleans up; no timeline shows that.
type request struct {
	Request
	unary  func(*Live, context.Context) error
	stream func(*Live, context.Context) error
	after  func(*Live, context.Context) error
}

// The keys that the requests use. The prefix avoids the keys of other users of a running
// server.
const (
	key      = "glasskv/greeting"
	lockName = "glasskv/walk"
)

var requests = []request{
	{Request: Request{"put", "a write", "一次写入"}, unary: (*Live).put},
	{Request: Request{"get", "a linearizable read", "一次线性一致读"}, unary: (*Live).get},
	{Request: Request{"serializable", "a read that asks no other member", "一次串行化读，不问其他成员"}, unary: (*Live).serializable},
	{Request: Request{"delete", "a key removed", "删除一个 key"}, unary: (*Live).remove},
	{Request: Request{"txn", "a comparison, then a write and a read", "先比较，再写再读"}, unary: (*Live).txn},
	{Request: Request{"lease", "a lease granted", "申请一个租约"}, unary: (*Live).lease},
	{Request: Request{"lock", "a lock taken: requests that the server makes itself", "获取一把锁：由服务端自己发出的多个请求组成"}, unary: (*Live).lock, after: (*Live).unlock},
	{Request: Request{"watch", "a watch, an event, and its end: a stream", "一次 watch：创建、事件、结束，是一个 stream"}, stream: (*Live).watch},
	{Request: Request{"unknown", "a method that does not exist", "一个不存在的方法"}, unary: (*Live).unknown},
}

// Requests returns the requests that Live.Do can make, the common ones first.
func Requests() []Request {
	var all []Request
	for i := range requests {
		all = append(all, requests[i].Request)
	}
	return all
}

// Names returns the names of Requests.
func Names() []string {
	var names []string
	for i := range requests {
		names = append(names, requests[i].Name)
	}
	return names
}

func find(name string) (*request, error) {
	for i := range requests {
		if requests[i].Name == name {
			return &requests[i], nil
		}
	}
	return nil, fmt.Errorf("no request %q, use one of %s", name, strings.Join(Names(), ", "))
}

func (l *Live) value() []byte { return fmt.Appendf(nil, "hello, number %d", l.writes.Add(1)) }

func (l *Live) put(ctx context.Context) error {
	_, err := pb.NewKVClient(l.client).Put(ctx, &pb.PutRequest{Key: []byte(key), Value: l.value()})
	return err
}

func (l *Live) get(ctx context.Context) error {
	_, err := pb.NewKVClient(l.client).Range(ctx, &pb.RangeRequest{Key: []byte(key)})
	return err
}

func (l *Live) serializable(ctx context.Context) error {
	_, err := pb.NewKVClient(l.client).Range(ctx, &pb.RangeRequest{Key: []byte(key), Serializable: true})
	return err
}

func (l *Live) remove(ctx context.Context) error {
	_, err := pb.NewKVClient(l.client).DeleteRange(ctx, &pb.DeleteRangeRequest{Key: []byte(key)})
	return err
}

func (l *Live) txn(ctx context.Context) error {
	_, err := pb.NewKVClient(l.client).Txn(ctx, &pb.TxnRequest{
		Compare: []*pb.Compare{{
			Key: []byte(key), Target: pb.Compare_VERSION, Result: pb.Compare_GREATER,
			TargetUnion: &pb.Compare_Version{Version: -1},
		}},
		Success: []*pb.RequestOp{
			{Request: &pb.RequestOp_RequestPut{RequestPut: &pb.PutRequest{Key: []byte(key), Value: l.value()}}},
			{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte(key)}}},
		},
	})
	return err
}

func (l *Live) lease(ctx context.Context) error {
	_, err := pb.NewLeaseClient(l.client).LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: 60})
	return err
}

func (l *Live) lock(ctx context.Context) error {
	held, err := v3lockpb.NewLockClient(l.client).Lock(ctx, &v3lockpb.LockRequest{Name: []byte(lockName)})
	if err == nil {
		l.locked.Store(&held.Key)
	}
	return err
}

// unlock releases the lock, so that the next lock request need not wait for its lease
// to expire.
func (l *Live) unlock(ctx context.Context) error {
	held := l.locked.Swap(nil)
	if held == nil {
		return nil
	}
	_, err := v3lockpb.NewLockClient(l.client).Unlock(ctx, &v3lockpb.UnlockRequest{Key: *held})
	return err
}

func (l *Live) unknown(ctx context.Context) error {
	return l.client.Invoke(ctx, "/etcdserverpb.KV/Increment", &pb.PutRequest{Key: []byte(key)}, &pb.PutResponse{})
}

// watch creates a watcher, writes the key, waits for the event and cancels the watcher.
// Then it closes the stream; cancelling the watcher does not. The write is a request of
// its own.
func (l *Live) watch(ctx context.Context) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	w, err := pb.NewWatchClient(l.client).Watch(ctx)
	if err != nil {
		return err
	}
	create := &pb.WatchRequest_CreateRequest{CreateRequest: &pb.WatchCreateRequest{Key: []byte(key)}}
	if err := ask(w, &pb.WatchRequest{RequestUnion: create}); err != nil {
		return err
	}
	if err := l.put(metadata.NewOutgoingContext(ctx, nil)); err != nil {
		return err
	}
	if _, err := w.Recv(); err != nil { // the event
		return err
	}
	end := &pb.WatchRequest_CancelRequest{CancelRequest: &pb.WatchCancelRequest{}}
	return ask(w, &pb.WatchRequest{RequestUnion: end})
}

// ask sends a request on the stream and waits for the response.
func ask(w pb.Watch_WatchClient, r *pb.WatchRequest) error {
	if err := w.Send(r); err != nil {
		return err
	}
	_, err := w.Recv()
	return err
}

// withTraceparent makes a call the root of a new trace, and returns the trace ID.
func withTraceparent(ctx context.Context) (_ context.Context, traceID string) {
	var id [24]byte         // the trace ID and the span ID
	_, _ = rand.Read(id[:]) // never fails
	traceID = hex.EncodeToString(id[:16])
	parent := "00-" + traceID + "-" + hex.EncodeToString(id[16:]) + "-01"
	return metadata.AppendToOutgoingContext(ctx, seamclient.HeaderTraceParent, parent), traceID
}
