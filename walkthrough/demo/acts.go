package demo

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"glasskv/server/practice"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/walkthrough/client"
)

// acts maps the name of each branch to the act that plays it, in the order of the path.
var acts = map[string]act{
	// Connections.
	"accept-backoff":     {setting{seams: throughDoor}, acceptBackoff},
	"serve-after-stop":   {setting{}, serveAfterStop},
	"connection-timeout": {setting{config: shortHandshake}, connectionTimeout},
	"bogus-preface":      {setting{}, bogusPreface},
	"tls":                {setting{tls: true}, putOnNewConnection},
	"tls-refused":        {setting{mutual: true, cold: true, quiet: true}, tlsRefused},
	"serve-http":         {setting{tls: true, config: throughHTTP}, putOnNewConnection},

	// From the stream to its handler.
	"stream-quota":            {setting{config: oneStream}, streamQuota},
	"goroutine-per-stream":    {setting{}, plainPut},
	"stream-workers":          {oneWorker, streamWorkers},
	"workers-busy":            {oneWorker, workersBusy},
	"malformed-method":        {setting{}, malformedMethod},
	"unknown-service":         {setting{}, unknownService},
	"unknown-method":          {setting{}, unknownMethodOf},
	"unknown-service-handler": {setting{config: catchAll}, unknownService},

	// Handlers.
	"unary":               {setting{}, plainPut},
	"server-stream":       {setting{}, serverStream},
	"client-stream":       {setting{}, clientStream},
	"bidi-stream":         {setting{}, bidiStream},
	"interceptor-refuses": {setting{}, interceptorRefuses},
	"handler-panic":       {setting{quiet: true}, handlerPanic},

	// Limits.
	"compression":       {setting{}, compression},
	"message-too-large": {setting{}, messageTooLarge},
	"client-send-limit": {setting{}, clientSendLimit},
	"flow-control":      {setting{}, flowControl},

	// Endings.
	"keepalive-ping": {setting{config: earlyPings}, keepalivePing},
	"too-many-pings": {setting{}, tooManyPings},
	"connection-age": {setting{config: shortAgeAndGrace}, connectionAge},
	"goaway":         {setting{config: shortAge}, goAway},
	"graceful-stop":  {setting{}, gracefulStop},
	"stop":           {setting{}, stopHard},
}

// throughDoor has the server accept through the rig's door.
func throughDoor(r *rig, seams *serve.Seams) {
	inner := seams.Listener
	seams.Listener = func(l net.Listener) net.Listener {
		r.door.Listener = l
		return inner(r.door)
	}
}

// acceptBackoff lets Accept fail three times while a connection waits: Serve waits
// 5, 10 and 20 ms.
func acceptBackoff(ctx context.Context, r *rig) (*outcome, error) {
	r.door.Fail(3)
	return r.firstCall(ctx, r.put)
}

// throughHTTP has net/http serve gRPC over TLS, as etcd does.
func throughHTTP(cfg *serve.Config) { cfg.ServeTLSThroughHTTP = true }

// putOnNewConnection makes a put whose timeline includes the making of its
// connection.
func putOnNewConnection(ctx context.Context, r *rig) (*outcome, error) {
	return r.firstCall(ctx, r.put)
}

// serveAfterStop stops the node and calls Serve on its gRPC server once more.
func serveAfterStop(ctx context.Context, r *rig) (*outcome, error) {
	if err := r.node.Stop(ctx); err != nil {
		return nil, err
	}
	addr, served, err := practice.ServeAgain(ctx, r.registrar)
	if err != nil {
		return nil, err
	}
	if !errors.Is(served, grpc.ErrServerStopped) {
		return nil, fmt.Errorf("serve after stop returned %s, where %w was expected", fmt.Sprint(served), grpc.ErrServerStopped)
	}
	c, err := client.Dial(client.Options{Endpoints: []string{addr}})
	if err != nil {
		return nil, err
	}
	observation, sent := c.Do(ctx, func(ctx context.Context) error {
		_, err := pb.NewKVClient(c).Put(ctx, &pb.PutRequest{Key: []byte(key)})
		return err
	})
	if err := c.Close(); err != nil {
		return nil, err
	}
	text := fmt.Sprintf("Serve: %v. Then: %s", served, statusText(sent))
	return &outcome{text, []*trace.Timeline{observation.Timeline()}}, nil
}

func shortHandshake(cfg *serve.Config) { cfg.ConnectionTimeout = 400 * time.Millisecond }

// connectionTimeout sends the preface and nothing after it.
func connectionTimeout(ctx context.Context, r *rig) (*outcome, error) {
	return r.greet(ctx, http2.ClientPreface)
}

func bogusPreface(ctx context.Context, r *rig) (*outcome, error) {
	return r.greet(ctx, "HELO mail.example.org\r\n\r\nthis is no HTTP at all, and long enough to be sure\r\n")
}

// greet opens a connection, sends the greeting, and waits until the server hangs
// up.
func (r *rig) greet(ctx context.Context, greeting string) (*outcome, error) {
	w, err := dialWire(ctx, r.addr())
	if err != nil {
		return nil, err
	}
	r.onStop(func(context.Context) error { return w.close() })
	begin := time.Now()
	if _, err := io.WriteString(w.conn, greeting); err != nil {
		return nil, err
	}
	_, _ = io.Copy(io.Discard, w.conn) // to the end; a reset is an end too
	return r.show(ctx, "the server hung up after "+since(begin), "the connection", isConnection)
}

// since writes how long ago t was, in milliseconds.
func since(t time.Time) string { return time.Since(t).Round(time.Millisecond).String() }

// tlsRefused shakes hands without a certificate of its own.
func tlsRefused(ctx context.Context, r *rig) (*outcome, error) {
	refusal := practice.Handshake(ctx, r.addr(), &tls.Config{
		InsecureSkipVerify: true, //nolint:gosec // this act is not about the server's identity
		NextProtos:         []string{http2.NextProtoTLS},
	})
	if refusal == nil {
		return nil, errors.New("the handshake was not refused")
	}
	return r.show(ctx, refusal.Error(), "the connection", isConnection)
}

func plainPut(ctx context.Context, r *rig) (*outcome, error) { return r.call(ctx, r.put) }

func oneStream(cfg *serve.Config) { cfg.MaxConcurrentStreams = 1 }

// streamQuota sends a request on a connection whose one permitted stream is held.
func streamQuota(ctx context.Context, r *rig) (*outcome, error) {
	w, _, err := r.heldOnWire(ctx)
	if err != nil {
		return nil, err
	}
	id, err := w.call(pb.KV_Put_FullMethodName, &pb.PutRequest{Key: []byte(key)})
	if err != nil {
		return nil, err
	}
	o, err := r.showReply(ctx, w, id, "the stream that is too many")
	return o, errors.Join(err, r.practice.Release(ctx))
}

var oneWorker = setting{
	config: func(cfg *serve.Config) { cfg.NumStreamWorkers = 1 },
	front:  func(o *seam.FrontOptions) { o.StreamWorkers = true },
}

// maxTries bounds how often an act repeats a request because the scheduler let it
// take the other branch.
const maxTries = 50

// streamWorkers repeats a put until the worker handles it. After the previous request,
// the worker may not be waiting again yet.
func streamWorkers(ctx context.Context, r *rig) (*outcome, error) {
	return r.putUntil(ctx, record.MarkWorker)
}

// workersBusy puts while the only worker is held.
func workersBusy(ctx context.Context, r *rig) (o *outcome, err error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	for range maxTries {
		held := make(chan error, 1)
		go func() { held <- r.client.Invoke(ctx, practice.Hold, &emptypb.Empty{}, &emptypb.Empty{}) }()
		if err := r.practice.Arrived(ctx); err != nil {
			return nil, err
		}
		o, err = r.putUntil(ctx, record.MarkSpilled)
		if err := errors.Join(err, r.practice.Release(ctx), <-held); err != nil {
			return nil, err
		}
		rec, err := r.nextRecord(ctx, "the held request", hasMethod(practice.Hold))
		if err != nil || rec.Has(record.MarkWorker) {
			return o, err
		}
	}
	return nil, errors.New("the worker never took the request that was to keep it busy")
}

// putUntil puts until the server's record of a put has the mark, and returns that
// put.
func (r *rig) putUntil(ctx context.Context, mark record.Mark) (*outcome, error) {
	for range maxTries {
		o, err := r.call(ctx, r.put)
		if err != nil {
			return nil, err
		}
		id := o.shown[0].TraceID
		rec, err := r.nextRecord(ctx, "the put", func(rec *record.Record) bool { return rec.TraceID() == id })
		if err != nil || rec.Has(mark) {
			return o, err
		}
	}
	return nil, fmt.Errorf("%d puts, and none was handled in this way", maxTries)
}

func malformedMethod(ctx context.Context, r *rig) (*outcome, error) {
	return r.callOnWire(ctx, "Put", &pb.PutRequest{Key: []byte(key)})
}

func unknownService(ctx context.Context, r *rig) (*outcome, error) {
	return r.call(ctx, r.invoke("/nowhere.KV/Put", &emptypb.Empty{}, &emptypb.Empty{}))
}

func unknownMethodOf(ctx context.Context, r *rig) (*outcome, error) {
	return r.call(ctx, r.invoke(unknownMethod, &pb.PutRequest{Key: []byte(key)}, &pb.PutResponse{}))
}

func catchAll(cfg *serve.Config) {
	cfg.GRPCAdditionalServerOptions = append(cfg.GRPCAdditionalServerOptions,
		practice.CatchAll(": taken by the handler for everything unknown"))
}

func serverStream(ctx context.Context, r *rig) (*outcome, error) {
	return r.talk(ctx, practice.Count, false, wrapperspb.Int64(3))
}

func clientStream(ctx context.Context, r *rig) (*outcome, error) {
	return r.talk(ctx, practice.Sum, false, wrapperspb.Int64(1), wrapperspb.Int64(2), wrapperspb.Int64(3))
}

func bidiStream(ctx context.Context, r *rig) (*outcome, error) {
	return r.talk(ctx, practice.Echo, true, wrapperspb.String("one"), wrapperspb.String("two"), wrapperspb.String("three"))
}

// talk plays a stream of the service for practice and shows it.
func (r *rig) talk(ctx context.Context, method string, inTurns bool, messages ...proto.Message) (*outcome, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	replies, err := practice.Talk(ctx, r.client, method, inTurns, messages...)
	if err != nil {
		return nil, err
	}
	return r.show(ctx, fmt.Sprintf("OK: %d sent, %d received", len(messages), len(replies)), "the stream", hasMethod(method))
}

// interceptorRefuses sends a client version that is not valid UTF-8.
func interceptorRefuses(ctx context.Context, r *rig) (*outcome, error) {
	return r.callOnWire(ctx, pb.KV_Put_FullMethodName, &pb.PutRequest{Key: []byte(key)},
		hpack.HeaderField{Name: rpctypes.MetadataClientAPIVersionKey, Value: "3.7\xff"})
}

// handlerPanic calls a handler that panics, and then puts to see whether the
// server still serves.
func handlerPanic(ctx context.Context, r *rig) (*outcome, error) {
	o, err := r.call(ctx, r.invoke(practice.Panic, &emptypb.Empty{}, &emptypb.Empty{}))
	if err != nil {
		return nil, err
	}
	o.client += fmt.Sprintf(" (and the put after it: %s)", statusText(r.put(ctx)))
	return o, nil
}

// putLarge returns a put of about n bytes, which compress well.
func (r *rig) putLarge(n int, opts ...grpc.CallOption) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := r.kv().Put(ctx, &pb.PutRequest{Key: []byte(key), Value: bytes.Repeat([]byte("glass "), n/6)}, opts...)
		return err
	}
}

func compression(ctx context.Context, r *rig) (*outcome, error) {
	return r.call(ctx, r.putLarge(256<<10, grpc.UseCompressor(gzip.Name)))
}

func messageTooLarge(ctx context.Context, r *rig) (*outcome, error) {
	return r.call(ctx, r.putLarge(3<<20))
}

func clientSendLimit(ctx context.Context, r *rig) (*outcome, error) {
	return r.call(ctx, r.putLarge(3<<20, grpc.MaxCallSendMsgSize(2<<20)))
}

// What flowControl asks for, what it allows the server to send at a time, both in
// bytes, and how long it waits before it allows more.
const (
	pageSize    = 40 << 10
	window      = 16 << 10
	updateAfter = 30 * time.Millisecond
)

// flowControl asks for more than its window lets the server send at once.
func flowControl(ctx context.Context, r *rig) (*outcome, error) {
	w, err := r.wire(ctx, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	if err != nil {
		return nil, err
	}
	id, err := w.call(practice.Page, wrapperspb.Int64(pageSize))
	if err != nil {
		return nil, err
	}
	for range pageSize / window {
		if err := w.readData(window); err != nil {
			return nil, err
		}
		if err := sleep(ctx, updateAfter); err != nil {
			return nil, err
		}
		if err := w.framer.WriteWindowUpdate(id, window); err != nil {
			return nil, err
		}
	}
	return r.showReply(ctx, w, id, "the page")
}

// sleep waits for d. It returns an error if ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// earlyPings has the server ping after one second of silence, the shortest time
// that grpc-go accepts.
func earlyPings(cfg *serve.Config) {
	cfg.GRPCKeepAliveInterval, cfg.GRPCKeepAliveTimeout = time.Second, 200*time.Millisecond
}

// keepalivePing has a request under way and does not answer the server's ping.
func keepalivePing(ctx context.Context, r *rig) (*outcome, error) {
	w, id, err := r.heldOnWire(ctx)
	if err != nil {
		return nil, err
	}
	w.ignorePings = true
	begin := time.Now()
	w.awaitHangUp()
	return r.show(ctx, "the server hung up after "+since(begin), "the held request", onStream(w, id))
}

// tooManyPings sends five pings at once, with a request under way. The fourth is
// already too many: grpc-go takes the first without looking at the time, and
// forgives two more.
func tooManyPings(ctx context.Context, r *rig) (*outcome, error) {
	w, id, err := r.heldOnWire(ctx)
	if err != nil {
		return nil, err
	}
	for i := range 5 {
		if err := w.framer.WritePing(false, [8]byte{byte(i)}); err != nil {
			return nil, err
		}
	}
	goAway, err := w.awaitGoAway(true)
	if err != nil {
		return nil, err
	}
	w.awaitHangUp()
	return r.show(ctx, goAway+"; then the server hung up", "the held request", onStream(w, id))
}

func shortAgeAndGrace(cfg *serve.Config) {
	cfg.MaxConnectionAge, cfg.MaxConnectionAgeGrace = 300*time.Millisecond, 300*time.Millisecond
}

// connectionAge holds a request for longer than the grace that a connection has after
// it has reached its maximum age.
func connectionAge(ctx context.Context, r *rig) (*outcome, error) {
	w, id, err := r.heldOnWire(ctx)
	if err != nil {
		return nil, err
	}
	goAway, err := w.awaitGoAway(false)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	w.awaitHangUp()
	return r.show(ctx, fmt.Sprintf("%s; %s later the server hung up", goAway, since(begin)), "the held request", onStream(w, id))
}

func shortAge(cfg *serve.Config) { cfg.MaxConnectionAge = 200 * time.Millisecond }

// goAway sends a request after the server has sent its final GOAWAY. Another request is
// held at that time: without it the server would have closed the connection.
func goAway(ctx context.Context, r *rig) (*outcome, error) {
	w, _, err := r.heldOnWire(ctx)
	if err != nil {
		return nil, err
	}
	said, err := w.awaitGoAway(true)
	if err != nil {
		return nil, err
	}
	id, err := w.call(pb.KV_Put_FullMethodName, &pb.PutRequest{Key: []byte(key)})
	if err != nil {
		return nil, err
	}
	o, err := r.show(ctx, fmt.Sprintf("%s; then nothing for stream %d", said, id),
		"the request that came too late", onStream(w, id))
	return o, errors.Join(err, r.practice.Release(ctx))
}

// gracefulStop stops the node while a request is held, and releases the request
// when the client has received GOAWAY.
func gracefulStop(ctx context.Context, r *rig) (*outcome, error) {
	w, id, err := r.heldOnWire(ctx)
	if err != nil {
		return nil, err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- r.node.Stop(ctx) }()
	if _, err := w.awaitGoAway(false); err != nil {
		return nil, err
	}
	if err := r.practice.Release(ctx); err != nil {
		return nil, err
	}
	reply, err := w.awaitEnd(id)
	if err != nil {
		return nil, err
	}
	o, err := r.show(ctx, "GOAWAY, then "+reply, "the held request", onStream(w, id))
	w.awaitHangUp() // and answer the ping that the server sends before
	return o, errors.Join(err, <-stopped)
}

// stopHard stops the node while a request is held, and does not wait for it.
func stopHard(ctx context.Context, r *rig) (*outcome, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	r.cutOff = true
	stopped := make(chan error, 1)
	go func() {
		if err := r.practice.Arrived(ctx); err != nil {
			stopped <- err
			return
		}
		now, cancel := context.WithCancel(ctx)
		cancel()
		_ = r.node.Stop(now) // its error says that requests were cut off, which is the act
		stopped <- nil
	}()
	o, err := r.call(ctx, r.invoke(practice.Hold, &emptypb.Empty{}, &emptypb.Empty{}))
	return o, errors.Join(err, <-stopped)
}
