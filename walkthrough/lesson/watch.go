package lesson

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// watching is what the watchers of a round were told.
type watching struct {
	streams []grpc.BidiStreamingClient[pb.WatchRequest, pb.WatchResponse]

	events      int
	first, last []time.Duration // of each write: from sending it to the first and the last watcher's news
}

// tell puts it into the round's result.
func (w *watching) tell(out *Result) {
	out.Events = w.events
	out.FirstEvent, out.LastEvent = float64(median(w.first)), float64(median(w.last))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// watched opens the watchers, then writes one after the other; each write waits
// until all watchers know of the one before.
func (r *round) watched(ctx context.Context) error {
	ctx, hangUp := context.WithCancel(ctx)
	defer hangUp()
	w := &watching{}
	for range r.Watchers {
		if err := w.open(ctx, r); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	r.watching, r.began = w, time.Now()
	defer func() { r.ended = time.Now() }()
	for range r.Count {
		sent := time.Now()
		news := make(chan error, 1)
		go func() { news <- w.hear(sent) }()
		if err := r.one(ctx); err != nil {
			hangUp()
			return errors.Join(err, <-news)
		}
		if err := <-news; err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	return nil
}

// open opens a watch stream and waits until the server has its watcher.
func (w *watching) open(ctx context.Context, r *round) error {
	c, err := r.way.client()
	if err != nil {
		return err
	}
	stream, err := pb.NewWatchClient(c).Watch(ctx)
	if err != nil {
		return err
	}
	create := &pb.WatchCreateRequest{Key: []byte(r.Key)}
	if err := stream.Send(&pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{CreateRequest: create}}); err != nil {
		return err
	}
	if _, err := stream.Recv(); err != nil {
		return err
	}
	w.streams = append(w.streams, stream)
	return nil
}

// hear waits until every watcher was told of one write.
func (w *watching) hear(sent time.Time) error {
	after, errs := make([]time.Duration, len(w.streams)), make([]error, len(w.streams))
	events := make([]int, len(w.streams))
	var all sync.WaitGroup
	for i, stream := range w.streams {
		all.Go(func() {
			reply, err := stream.Recv()
			after[i], errs[i], events[i] = time.Since(sent), err, len(reply.GetEvents())
		})
	}
	all.Wait()
	w.first, w.last = append(w.first, slices.Min(after)), append(w.last, slices.Max(after))
	for _, n := range events {
		w.events += n
	}
	return errors.Join(errs...)
}
