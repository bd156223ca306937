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
	together      = 16  // writes that are sent at the same moment
	minRounds     = 5   // times that this is done, to choose from
	maxRounds     = 20  // times that it is tried until some share an fsync
	series        = 300 // writes behind the table
)

// requests makes the requests of the demo, all on one connection.
type requests struct {
	kv      pb.KVClient
	client  *client.Client
	version int // of the greeting, so that each write writes something new
}

// observe makes one request and returns its whole timeline. A request that
// fails has one like any other, so its error is not the observer's; it counts
// only when there is nothing to show.
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

// put writes the key. The first one of all opens the connection.
func (r *requests) put(ctx context.Context) (*trace.Timeline, error) {
	r.version++
	return r.observe(ctx, func(ctx context.Context) error { return r.write(ctx, key) })
}

// read is a linearizable Range of the key.
func (r *requests) read(ctx context.Context) (*trace.Timeline, error) {
	return r.observe(ctx, func(ctx context.Context) error {
		_, err := r.kv.Range(ctx, &pb.RangeRequest{Key: []byte(key)})
		return err
	})
}

// unknown calls a method that no server has.
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

// shared sends writes at the same moment and returns the timeline of one that
// shared its fsync with many others. Whether writes meet there is up to the disk
// and the scheduler, so it is tried a few times.
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
			return nil, err // the others fail for the same reason
		}
	}
	return r.client.JoinAll(ctx, seen)
}

// moreShared prefers company in the fsync; once half of the writes are in it,
// what counts is how much of the time the fsync was.
func moreShared(a, b *trace.Timeline) int {
	company := func(t *trace.Timeline) int { return min(sharedBy(t), together/2) }
	return cmp.Or(cmp.Compare(company(a), company(b)), cmp.Compare(syncShare(a), syncShare(b)))
}

// sharedBy tells how many writes shared the fsync of a timeline's; none before
// there is a timeline.
func sharedBy(t *trace.Timeline) int {
	if t == nil {
		return 0
	}
	if sync := t.Stage(stages.WALSync.String()); sync != nil {
		return sync.SharedBy
	}
	return 0
}

// syncShare tells which part of its time a request waited for the fsync.
func syncShare(t *trace.Timeline) float64 {
	if t == nil || t.DurationNS == 0 {
		return 0
	}
	return float64(t.Waited()[stages.WALSync.String()]) / float64(t.DurationNS)
}

// many writes one after the other and returns all timelines.
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
