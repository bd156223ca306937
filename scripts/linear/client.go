package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	requestTime = 10 * time.Second       // limits one request with all its retries
	redialTime  = 100 * time.Millisecond // the longest pause between two attempts to connect
	retryTime   = time.Second            // the pause after an error if the server is still running
)

// connect returns one of three kinds of client, by id: a plain connection of grpc-go;
// etcd's client with one attempt for each request; and etcd's client with its
// defaults, which sends some requests again. The last kind would reveal a write that is
// applied twice because it was sent twice. end closes the client.
func connect(id int, addr string) (kv clientv3.KV, end func() error, err error) {
	redial := grpc.WithConnectParams(grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: redialTime / 4, Multiplier: 2, MaxDelay: redialTime},
		MinConnectTimeout: time.Second,
	})
	if id%3 == 0 {
		conn, err := grpc.NewClient(addr, redial, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, nil, err
		}
		return clientv3.NewKVFromKVClient(pb.NewKVClient(conn), nil), conn.Close, nil
	}
	cfg := clientv3.Config{Endpoints: []string{addr}, DialOptions: []grpc.DialOption{redial}, Logger: zap.NewNop()}
	if id%3 == 1 {
		cfg.MaxUnaryRetries = 1
	}
	c, err := clientv3.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	return c, c.Close, nil
}

// client sends one request after the other about a few keys.
type client struct {
	id     int
	kv     clientv3.KV
	chance *rand.Rand
	lives  *lives
	keys   int
	writes int
	known  map[string]string // the value that each key had when last seen, for a cas to expect
}

// run sends requests until ctx ends. After an error it waits for the next life of the
// server: more requests without replies would only make the search for an order
// longer.
func (c *client) run(ctx context.Context) {
	h := c.lives.h
	for c.lives.awaitServing(ctx) {
		in := c.choose()
		serializable := in.kind == get && c.chance.IntN(4) == 0
		e := event{client: c.id, in: in, serializable: serializable, call: h.now()}
		out, err := c.send(ctx, in, serializable)
		e.answered = h.now()
		if err != nil {
			e.out.unknown = true
			c.lives.addUnsettled(h.add(e)).pause(ctx)
			continue
		}
		e.out, c.known[in.key] = out, fmt.Sprint(in.after(out.value))
		h.add(e)
		c.lives.replies.Add(1)
	}
}

// load writes keys that nobody reads, each as soon as the last write is answered, so
// that the requests of run share the disk and the queues with others.
func (c *client) load(ctx context.Context) {
	for c.lives.awaitServing(ctx) {
		in := input{kind: putting, key: fmt.Sprintf("load/%d", c.chance.IntN(1000)), value: "load"}
		if _, err := c.send(ctx, in, false); err != nil {
			c.lives.latest().pause(ctx)
		}
	}
}

// choose returns a random request.
func (c *client) choose() input {
	in := input{key: fmt.Sprintf("linear/%d", c.chance.IntN(c.keys))}
	c.writes++
	in.value = fmt.Sprintf("%d.%d", c.id, c.writes)
	switch n := c.chance.IntN(10); {
	case n < 4:
		in.kind, in.value = get, ""
	case n < 7:
		in.kind, in.prev = putting, n == 4
	case n < 9:
		in.kind, in.expect = cas, c.known[in.key]
	default:
		in.kind, in.value = del, ""
	}
	return in
}

var errOtherReply = errors.New("a reply to another request")

// send makes one request and reads the reply.
func (c *client) send(ctx context.Context, in input, serializable bool) (out output, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	resp, err := c.kv.Do(ctx, in.op(serializable))
	if err != nil {
		return out, err
	}
	switch in.kind {
	case get:
		out.read(resp.Get())
	case putting:
		out.revision = resp.Put().Header.Revision
		if kv := resp.Put().PrevKv; kv != nil {
			out.value = string(kv.Value)
		}
	case del:
		out.revision, out.done = resp.Del().Header.Revision, resp.Del().Deleted > 0
	case cas:
		txn := resp.Txn()
		if len(txn.Responses) != 1 {
			return out, errOtherReply
		}
		if r := txn.Responses[0].GetResponseRange(); r != nil {
			out.read((*clientv3.GetResponse)(r))
		}
		out.revision, out.done = txn.Header.Revision, txn.Succeeded
	}
	return out, nil
}

func (out *output) read(r *clientv3.GetResponse) {
	if len(r.Kvs) > 0 {
		out.value, out.modified = string(r.Kvs[0].Value), r.Kvs[0].ModRevision
	}
	out.revision = r.Header.GetRevision() // a read within a txn has none of its own
}

// op is the request as etcd's client takes it.
func (in input) op(serializable bool) clientv3.Op {
	switch in.kind {
	case putting:
		if in.prev {
			return clientv3.OpPut(in.key, in.value, clientv3.WithPrevKV())
		}
		return clientv3.OpPut(in.key, in.value)
	case del:
		return clientv3.OpDelete(in.key)
	case cas:
		expected := clientv3.Compare(clientv3.Value(in.key), "=", in.expect)
		if in.expect == "" {
			expected = clientv3.Compare(clientv3.Version(in.key), "=", 0)
		}
		return clientv3.OpTxn([]clientv3.Cmp{expected},
			[]clientv3.Op{clientv3.OpPut(in.key, in.value)}, []clientv3.Op{clientv3.OpGet(in.key)})
	}
	if serializable {
		return clientv3.OpGet(in.key, clientv3.WithSerializable())
	}
	return clientv3.OpGet(in.key)
}
