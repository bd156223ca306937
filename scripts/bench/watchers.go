package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

const (
	watchStreams = 100 // which the watchers share
	watchTime    = 2 * time.Minute
)

// watched is how fast a server sends events to its watchers, and what they cost it.
type watched struct {
	Watchers   int     `json:"watchers"`
	PerSecond  float64 `json:"events_per_second"` // all watchers together
	PerWatcher float64 `json:"bytes_per_watcher"` // reachable memory
}

// watchAll measures each server with many watchers of one key, on new data, in rounds
// and turns as for other loads.
func (b *bench) watchAll(ctx context.Context) (map[string][]watched, error) {
	all := make(map[string][]watched)
	for round := range b.opts.rounds {
		progress("%d watchers, round %d of %d", b.opts.watchers, round+1, b.opts.rounds)
		for i := range b.targets {
			t := b.targets[(i+round)%len(b.targets)]
			if t.name != traceOn && t.name != traceOff && t.name != realEtcd {
				continue
			}
			result, err := b.watch(ctx, t)
			if err != nil {
				return nil, fmt.Errorf("watchers, %s: %w", t.name, err)
			}
			if result.PerWatcher, err = b.watchMemory(ctx, t); err != nil {
				return nil, fmt.Errorf("memory of watchers, %s: %w", t.name, err)
			}
			all[t.name] = append(all[t.name], result)
		}
	}
	return all, nil
}

func (b *bench) watch(ctx context.Context, t target) (result watched, err error) {
	p, err := t.start(ctx, b, b.newData())
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if _, err := put64.run(ctx, p, b.opts.warm, 0); err != nil {
		return result, err
	}
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	streams, err := p.openWatches(ctx, b.opts.watchers)
	if err != nil {
		return result, err
	}
	if err := awaitIdle(ctx, p); err != nil {
		return result, err
	}
	result.Watchers = b.opts.watchers
	result.PerSecond, err = p.eventRate(ctx, streams, b.opts.watchers, b.opts.changes)
	return result, err
}

// watchMemory returns how many bytes each watcher makes reachable. It has a turn of
// its own, since the page that it asks, which collects garbage first, is not served
// in the others. Resident memory would depend on how each server sets its collector.
func (b *bench) watchMemory(ctx context.Context, t target) (each float64, err error) {
	b.debug = true
	defer func() { b.debug = false }()
	p, err := t.start(ctx, b, b.newData())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if _, err := put64.run(ctx, p, b.opts.warm, 0); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	before, err := p.reachableMemory(ctx)
	if err != nil {
		return 0, err
	}
	if _, err := p.openWatches(ctx, b.opts.watchers); err != nil {
		return 0, err
	}
	after, err := p.reachableMemory(ctx)
	return float64(after-before) / float64(b.opts.watchers), err
}

// watchedKey is the key that all watchers watch.
var watchedKey = []byte("watched")

// openWatches opens watchStreams streams and creates the watchers on them. It returns
// when the server has confirmed every watcher.
func (p *process) openWatches(ctx context.Context, watchers int) ([]pb.Watch_WatchClient, error) {
	streams := make([]pb.Watch_WatchClient, watchStreams)
	failed := make([]error, watchStreams)
	var wg sync.WaitGroup
	for i := range streams {
		wg.Go(func() {
			streams[i], failed[i] = p.openWatch(ctx, i, watchers/watchStreams)
		})
	}
	wg.Wait()
	return streams, errors.Join(failed...)
}

func (p *process) openWatch(ctx context.Context, id, watchers int) (pb.Watch_WatchClient, error) {
	stream, err := pb.NewWatchClient(p.conns[id%len(p.conns)]).Watch(ctx)
	if err != nil {
		return nil, err
	}
	create := &pb.WatchRequest{RequestUnion: &pb.WatchRequest_CreateRequest{
		CreateRequest: &pb.WatchCreateRequest{Key: watchedKey},
	}}
	for range watchers {
		if err := stream.Send(create); err != nil {
			return nil, err
		}
	}
	for range watchers {
		if resp, err := stream.Recv(); err != nil {
			return nil, err
		} else if !resp.Created {
			return nil, errors.New("a watcher was not created")
		}
	}
	return stream, nil
}

// eventRate changes the key, one change after the other, and returns how many events
// a second reach the watchers, from the first change sent to the last event received.
func (p *process) eventRate(ctx context.Context, streams []pb.Watch_WatchClient, watchers, changes int) (float64, error) {
	failed := make([]error, len(streams))
	var wg sync.WaitGroup
	for i, stream := range streams {
		wg.Go(func() { failed[i] = receive(stream, watchers/len(streams)*changes) })
	}
	begin := time.Now()
	kv := pb.NewKVClient(p.conns[0])
	for range changes {
		if err := put(ctx, kv, watchedKey); err != nil {
			return 0, err
		}
	}
	wg.Wait()
	elapsed := time.Since(begin)
	return float64(watchers*changes) / elapsed.Seconds(), errors.Join(failed...)
}

// receive returns when the given number of events has arrived.
func receive(stream pb.Watch_WatchClient, events int) error {
	for events > 0 {
		resp, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		} else if err != nil {
			return err
		}
		if resp.Canceled {
			return fmt.Errorf("a watcher was canceled: %s", resp.CancelReason)
		}
		events -= len(resp.Events)
	}
	return nil
}

func eventsPerSecond(w watched) float64 { return w.PerSecond }
func bytesPerWatcher(w watched) float64 { return w.PerWatcher }

// watcherFigures compare the server that records with real etcd.
func (r *result) watcherFigures() []figure {
	ours, theirs := r.Watchers[traceOn], r.Watchers[realEtcd]
	if len(ours) == 0 || len(ours) != len(theirs) {
		return nil
	}
	var speed, size []float64
	for i := range ours {
		speed = append(speed, ours[i].PerSecond/theirs[i].PerSecond)
		size = append(size, ours[i].PerWatcher/theirs[i].PerWatcher)
	}
	n, faster, bigger := ours[0].Watchers, median(speed), median(size)
	return []figure{
		{
			fmt.Sprintf("events/s to %d watchers of one key, recorded, against real etcd", n),
			"≥ 1.00", fmt.Sprintf("%.2f", faster), faster >= 1, faster, func(v float64) bool { return v > 0.4 },
		},
		{
			fmt.Sprintf("memory for each of %d watchers, recorded, against real etcd", n),
			"≤ 1.00", fmt.Sprintf("%.2f", bigger), bigger <= 1, bigger, func(float64) bool { return true },
		},
	}
}

func (r *result) watcherTable(w io.Writer) {
	var rows [][]string
	for _, t := range targets {
		all := r.Watchers[t.name]
		if len(all) == 0 {
			continue
		}
		column := func(of func(watched) float64) string {
			var values []float64
			for _, w := range all {
				values = append(values, of(w))
			}
			return grouped(median(values))
		}
		rows = append(rows, []string{t.what, grouped(float64(all[0].Watchers)), column(eventsPerSecond), column(bytesPerWatcher)})
	}
	table(w, []string{"Watchers of one key", "watchers", "events per second", "bytes for each watcher"}, rows)
}
