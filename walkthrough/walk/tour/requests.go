package tour

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"google.golang.org/grpc/metadata"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
)

// Request is a request that Live can make.
type Request struct {
	Name   string
	EN, ZH string // what it is, in a few words
}

// request is a Request and how it is made: as a call that our client observes, or
// as a stream. What has to be tidied up afterwards is done out of sight.
type request struct {
	Request
	unary  func(*Live, context.Context) error
	stream func(*Live, context.Context) error
	after  func(*Live, context.Context) error
}

// The keys that the requests use, also on somebody else's server: they look like
// nobody's own.
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

// Requests lists what Live.Do can make, the ordinary ones first.
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

// unlock lets the lock go, so that the next one need not wait for its lease to end.
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

// watch waits for one event, ends the watcher and hangs up: the server keeps a
// stream open until then. The write that makes the event is a request of its own.
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

// ask sends a request on the stream and waits for what the server says to it.
func ask(w pb.Watch_WatchClient, r *pb.WatchRequest) error {
	if err := w.Send(r); err != nil {
		return err
	}
	_, err := w.Recv()
	return err
}

// withTraceparent gives a call a trace of its own, and returns the trace's ID.
func withTraceparent(ctx context.Context) (_ context.Context, traceID string) {
	var id [24]byte         // of the trace and of the span
	_, _ = rand.Read(id[:]) // never fails
	traceID = hex.EncodeToString(id[:16])
	parent := "00-" + traceID + "-" + hex.EncodeToString(id[16:]) + "-01"
	return metadata.AppendToOutgoingContext(ctx, "traceparent", parent), traceID
}
