package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/emptypb"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/server/practice"
	"glasskv/server/serve"
)

var endingActs = map[string]act{
	"keepalive-ping": {setting{config: inquisitive}, keepalivePing},
	"too-many-pings": {setting{}, tooManyPings},
	"connection-age": {setting{config: shortLived}, connectionAge},
	"goaway":         {setting{config: forgiving}, goAway},
	"graceful-stop":  {setting{}, gracefulStop},
	"stop":           {setting{}, stopHard},
}

// inquisitive asks as early as grpc-go lets a server ask.
func inquisitive(cfg *serve.Config) {
	cfg.GRPCKeepAliveInterval, cfg.GRPCKeepAliveTimeout = time.Second, 200*time.Millisecond
}

// keepalivePing has a request under way and does not answer the server's ping.
func keepalivePing(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	w.deaf = true
	id, err := s.hold(ctx, w)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	w.gone()
	return s.show(ctx, fmt.Sprintf("the server hung up after %v", time.Since(begin).Round(time.Millisecond)),
		"the held request", ofStream(w, id))
}

// strikes is one ping more than those that are too many: the first one of a
// connection is free.
const strikes = 5

func tooManyPings(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	id, err := s.hold(ctx, w)
	if err != nil {
		return nil, err
	}
	for i := range strikes {
		if err := w.framer.WritePing(false, [8]byte{byte(i)}); err != nil {
			return nil, err
		}
	}
	told, err := w.farewell(true)
	if err != nil {
		return nil, err
	}
	w.gone()
	return s.show(ctx, told+"; then the server hung up", "the held request", ofStream(w, id))
}

func shortLived(cfg *serve.Config) {
	cfg.MaxConnectionAge, cfg.MaxConnectionAgeGrace = 300*time.Millisecond, 300*time.Millisecond
}

// connectionAge has a request under way that outlives its connection's grace.
func connectionAge(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	id, err := s.hold(ctx, w)
	if err != nil {
		return nil, err
	}
	told, err := w.farewell(false)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	w.gone()
	return s.show(ctx, fmt.Sprintf("%s; %v later the server hung up", told, time.Since(begin).Round(time.Millisecond)),
		"the held request", ofStream(w, id))
}

func forgiving(cfg *serve.Config) { cfg.MaxConnectionAge = 200 * time.Millisecond }

// goAway sends a request on a connection whose last stream has been named. The
// one that is held keeps the connection open for it.
func goAway(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := s.hold(ctx, w); err != nil {
		return nil, err
	}
	told, err := w.farewell(true)
	if err != nil {
		return nil, err
	}
	id, err := w.call(pb.KV_Put_FullMethodName, &pb.PutRequest{Key: []byte(key)})
	if err != nil {
		return nil, err
	}
	o, err := s.show(ctx, fmt.Sprintf("%s; then nothing for stream %d", told, id),
		"the request that came too late", ofStream(w, id))
	return o, errors.Join(err, s.practice.Release(ctx))
}

// gracefulStop stops the node while a request is held, and releases it when the
// client has been told.
func gracefulStop(ctx context.Context, s *stage) (*outcome, error) {
	w, err := s.wire(ctx)
	if err != nil {
		return nil, err
	}
	id, err := s.hold(ctx, w)
	if err != nil {
		return nil, err
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.node.Stop(ctx) }()
	if _, err := w.farewell(false); err != nil {
		return nil, err
	}
	if err := s.practice.Release(ctx); err != nil {
		return nil, err
	}
	reply, err := w.ended(id)
	if err != nil {
		return nil, err
	}
	o, err := s.show(ctx, "GOAWAY, then "+reply, "the held request", ofStream(w, id))
	w.gone() // answers what the server asks before it hangs up
	return o, errors.Join(err, <-stopped)
}

// stopHard stops the node while a request is held, and does not wait for it.
func stopHard(ctx context.Context, s *stage) (*outcome, error) {
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	s.cutOff = true
	stopped := make(chan error, 1)
	go func() {
		if err := s.practice.Arrived(ctx); err != nil {
			stopped <- err
			return
		}
		now, cancel := context.WithCancel(ctx)
		cancel()
		_ = s.node.Stop(now) // says that requests were cut off, which is the act
		stopped <- nil
	}()
	o, err := s.call(ctx, s.invoke(practice.Hold, &emptypb.Empty{}, &emptypb.Empty{}))
	return o, errors.Join(err, <-stopped)
}
