package demo

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/practice"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/record"
)

var requestActs = map[string]act{
	"stream-quota":            {setting{config: oneStream}, streamQuota},
	"goroutine-per-stream":    {setting{}, plainPut},
	"stream-workers":          {oneWorker, streamWorkers},
	"workers-busy":            {oneWorker, workersBusy},
	"malformed-method":        {setting{}, malformedMethod},
	"unknown-service":         {setting{}, unknownService},
	"unknown-method":          {setting{}, unknownMethodOf},
	"unknown-service-handler": {setting{config: catchAll}, unknownServiceHandler},
}

// put writes the key.
func (s *stage) put(ctx context.Context) error {
	_, err := s.kv().Put(ctx, &pb.PutRequest{Key: []byte(key), Value: []byte("hello")})
	return err
}

func (s *stage) kv() pb.KVClient { return pb.NewKVClient(s.client) }

func plainPut(ctx context.Context, s *stage) (*outcome, error) { return s.call(ctx, s.put) }

func oneStream(cfg *serve.Config) { cfg.MaxConcurrentStreams = 1 }

// streamQuota has one request under way and sends another.
func streamQuota(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.hold(ctx, w); err != nil {
		return nil, err
	}
	id, err := w.call(pb.KV_Put_FullMethodName, &pb.PutRequest{Key: []byte(key)})
	if err != nil {
		return nil, err
	}
	reply, err := w.ended(id)
	if err != nil {
		return nil, err
	}
	o, err := s.show(ctx, reply, "the stream that is too many", ofStream(w, id))
	return o, errors.Join(err, s.practice.Release(ctx))
}

var oneWorker = setting{
	config: func(cfg *serve.Config) { cfg.NumStreamWorkers = 1 },
	front:  func(o *seam.FrontOptions) { o.StreamWorkers = true },
}

// tries is how often an act does what the scheduler may decide otherwise.
const tries = 50

// streamWorkers puts until the worker was free for it: it may not be back from
// the request before.
func streamWorkers(ctx context.Context, s *stage) (*outcome, error) {
	return s.putUntil(ctx, record.MarkWorker)
}

// workersBusy puts while the only worker is held.
func workersBusy(ctx context.Context, s *stage) (o *outcome, err error) {
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	for range tries {
		held := make(chan error, 1)
		go func() { held <- s.client.Invoke(ctx, practice.Hold, &emptypb.Empty{}, &emptypb.Empty{}) }()
		if err := s.practice.Arrived(ctx); err != nil {
			return nil, err
		}
		o, err = s.putUntil(ctx, record.MarkSpilled)
		if err := errors.Join(err, s.practice.Release(ctx), <-held); err != nil {
			return nil, err
		}
		r, err := s.next(ctx, "the held request", of(practice.Hold))
		if err != nil || r.Has(record.MarkWorker) {
			return o, err
		}
	}
	return nil, errors.New("the worker never took the request that was to keep it busy")
}

// putUntil puts until the server's record has a mark, and returns that put.
func (s *stage) putUntil(ctx context.Context, mark record.Mark) (*outcome, error) {
	for range tries {
		o, err := s.call(ctx, s.put)
		if err != nil {
			return nil, err
		}
		id := o.shown[0].TraceID
		r, err := s.next(ctx, "the put", func(r *record.Record) bool { return r.TraceID() == id })
		if err != nil || r.Has(mark) {
			return o, err
		}
	}
	return nil, fmt.Errorf("%d puts, and none was handled in this way", tries)
}

func malformedMethod(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	id, err := w.call("Put", &pb.PutRequest{Key: []byte(key)})
	if err != nil {
		return nil, err
	}
	reply, err := w.ended(id)
	if err != nil {
		return nil, err
	}
	return s.show(ctx, reply, "the request", ofStream(w, id))
}

func unknownService(ctx context.Context, s *stage) (*outcome, error) {
	return s.call(ctx, s.invoke("/nowhere.KV/Put", &emptypb.Empty{}, &emptypb.Empty{}))
}

func unknownMethodOf(ctx context.Context, s *stage) (*outcome, error) {
	return s.call(ctx, s.invoke(unknownMethod, &pb.PutRequest{Key: []byte(key)}, &pb.PutResponse{}))
}

func catchAll(cfg *serve.Config) {
	cfg.GRPCAdditionalServerOptions = append(cfg.GRPCAdditionalServerOptions,
		practice.CatchAll(": taken by the handler for everything unknown"))
}

func unknownServiceHandler(ctx context.Context, s *stage) (*outcome, error) {
	return unknownService(ctx, s)
}
