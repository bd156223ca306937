package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/client"
)

// The requests that the demo makes.
const (
	key           = "greeting"
	unknownMethod = "/etcdserverpb.KV/Increment"
	together      = 16  // how many writes a round makes at the same moment
	minRounds     = 5   // rounds to choose the best write from
	maxRounds     = 20  // rounds, if no two writes have shared an fsync before
	series        = 300 // writes that the table sums up
)

// requests makes the requests of the tour, all on one connection.
type requests struct {
	kv      pb.KVClient
	client  *client.Client
	version int // counts the greetings, because each write writes another value
}

// observe makes one request and returns its timeline, joined of the client's and
// the server's half. A request that fails has a timeline too, so observe drops the
// error of send unless nothing was recorded.
func (r *requests) observe(ctx context.Context, send func(context.Context) error) (*trace.Timeline, error) {
	seen, err := r.client.Do(ctx, send)
	if seen == nil {
		return nil, errors.Join(err, errors.New("the request was not recorded"))
	}
	return r.client.Join(ctx, seen)
}

func (r *requests) write(ctx context.Context, key string) error {
	_, err := r.kv.Put(ctx, &pb.PutRequest{Key: []byte(key), Value: fmt.Appendf(nil, "hello, number %d", r.version)})
	return err
}

// put writes the key. The first put opens the connection.
func (r *requests) put(ctx context.Context) (*trace.Timeline, error) {
	r.version++
	return r.observe(ctx, func(ctx context.Context) error { return r.write(ctx, key) })
}

// read reads the key with a linearizable Range.
func (r *requests) read(ctx context.Context) (*trace.Timeline, error) {
	return r.observe(ctx, func(ctx context.Context) error {
		_, err := r.kv.Range(ctx, &pb.RangeRequest{Key: []byte(key)})
		return err
	})
}

// unknown calls a method that does not exist. It fails if the server answers
// anything but Unimplemented.
func (r *requests) unknown(ctx context.Context) (*trace.Timeline, error) {
	var code codes.Code
	t, err := r.observe(ctx, func(ctx context.Context) error {
		err := r.client.Invoke(ctx, unknownMethod, &pb.PutRequest{Key: []byte(key)}, &pb.PutResponse{})
		code = status.Code(err)
		return err
	})
	if err == nil && code != codes.Unimplemented {
		return nil, fmt.Errorf("call %s: %v, where %v was expected", unknownMethod, code, codes.Unimplemented)
	}
	return t, err
}

// shared sends rounds of simultaneous writes and returns the timeline of the one
// that moreShared prefers. Whether writes share an fsync depends on the disk and on
// the scheduler, so the result may have shared it with none.
func (r *requests) shared(ctx context.Context) (best *trace.Timeline, err error) {
	for round := 1; round <= maxRounds; round++ {
		all, err := r.writeTogether(ctx)
		if err != nil {
			return nil, err
		}
		best = slices.MaxFunc(append(all, best), moreShared)
		if round >= minRounds && sharedBy(best) > 1 {
			break
		}
	}
	return best, nil
}

// writeTogether sends one round of simultaneous writes to different keys, and
// returns their timelines.
func (r *requests) writeTogether(ctx context.Context) ([]*trace.Timeline, error) {
	seen, errs := make([]*client.Observation, together), make([]error, together)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range together {
		wg.Go(func() {
			<-start
			seen[i], errs[i] = r.client.Do(ctx, func(ctx context.Context) error { return r.write(ctx, fmt.Sprintf("%s/%02d", key, i)) })
		})
	}
	close(start)
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err // the other writes fail for the same reason
		}
	}
	return r.client.JoinAll(ctx, seen)
}

// moreShared compares two timelines: more writes in the fsync are better. Half of
// the round is enough; then the timeline is better that spent more of its time in
// the fsync. Nil is the worst.
func moreShared(a, b *trace.Timeline) int {
	shared := func(t *trace.Timeline) int { return min(sharedBy(t), together/2) }
	return cmp.Or(cmp.Compare(shared(a), shared(b)), cmp.Compare(syncShare(a), syncShare(b)))
}

// sharedBy returns how many writes shared the timeline's fsync; 0 for nil.
func sharedBy(t *trace.Timeline) int {
	if t == nil {
		return 0
	}
	if sync := t.Find(stages.WALSync); sync != nil {
		return sync.SharedBy
	}
	return 0
}

// syncShare returns which part of its time, from 0 to 1, a request waited for the
// fsync; 0 for nil.
func syncShare(t *trace.Timeline) float64 {
	if t == nil || t.DurationNS == 0 {
		return 0
	}
	return float64(t.Waited()[stages.WALSync.String()]) / float64(t.DurationNS)
}

// many makes a series of writes, one after the other, and returns their timelines.
func (r *requests) many(ctx context.Context) ([]*trace.Timeline, error) {
	seen := make([]*client.Observation, 0, series)
	for range series {
		r.version++
		o, err := r.client.Do(ctx, func(ctx context.Context) error { return r.write(ctx, key) })
		if err != nil {
			return nil, err
		}
		seen = append(seen, o)
	}
	return r.client.JoinAll(ctx, seen)
}
