package record

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
)

// worker is the half of a Recorder that requests do not run: one goroutine takes finished
// records from the ring, in the order of their numbers, and processes them.
type worker struct {
	seen    atomic.Uint64 // the cursor: the last number that is processed or lost
	slowest slowest
	subs    subscribers
	waiting waiters
	out     *exportQueue // nil if nothing is exported

	closing chan struct{} // closed by Close
	closed  sync.Once
	done    chan struct{} // closed when the goroutine has ended
}

// restAfterDrain is how long the worker rests after it processed records. To wake a
// goroutine costs a request more than all its stamps: with the rest, one waking is enough
// for the records of two milliseconds.
const restAfterDrain = 2 * time.Millisecond

func (w *worker) start(rc *Recorder) {
	w.slowest = newSlowest(rc.limit)
	w.closing, w.done = make(chan struct{}), make(chan struct{})
	if rc.opts.Outlet != nil {
		w.out = newExportQueue(rc)
		go w.out.run()
	}
	go rc.run()
}

// Close processes the records that have finished, exports the sampled ones, shuts the
// outlet down and stops the recorder's goroutines. If ctx ends first, Close returns its
// error. Records that finish later are not processed. Close may be called again, to wait
// longer.
func (rc *Recorder) Close(ctx context.Context) error {
	rc.closed.Do(func() { close(rc.closing) })
	select {
	case <-rc.done:
	case <-ctx.Done():
		if rc.out != nil {
			rc.out.cancel()
		}
		return ctx.Err()
	}
	if rc.out == nil {
		return nil
	}
	return rc.out.close(ctx)
}

// run is the worker's goroutine.
func (rc *Recorder) run() {
	defer close(rc.done)
	pause := time.NewTimer(restAfterDrain)
	for {
		n := rc.drain()
		if n > 0 {
			pause.Reset(restAfterDrain)
			select {
			case <-pause.C:
				continue
			case <-rc.closing:
			}
		} else {
			select {
			case <-rc.wake:
				continue
			case <-rc.closing:
			}
		}
		rc.drain()
		return
	}
}

// drain processes the records in the ring beyond the cursor. It returns how far it moved
// the cursor.
func (rc *Recorder) drain() (moved int) {
	for at := rc.seen.Load(); at < rc.next.Load(); moved++ {
		if behind := rc.next.Load() - at; behind > uint64(len(rc.ring)) {
			rc.lost.Overwritten.Add(1)
		} else {
			r := rc.ring[at%uint64(len(rc.ring))].Load()
			switch {
			case r == nil || r.kept.number < at+1:
				return moved // its goroutine has the number and will store it and wake us
			case r.kept.number > at+1:
				rc.lost.Overwritten.Add(1)
			default:
				rc.process(r)
			}
		}
		at++
		rc.seen.Store(at)
	}
	return moved
}

// process does all that is done with a finished record. It is called once for each. The
// record is in the ring, so a subscriber can look it up.
func (rc *Recorder) process(r *Record) {
	rc.hist.count(r)
	if r.isPart() {
		return // its outer record follows in the ring
	}
	rc.slowest.offer(r)
	for _, each := range rc.subs.all() {
		each.call(r)
	}
	rc.waiting.deliver(r)
	if rc.out != nil && rc.opts.sampled(r) {
		rc.out.offer(r)
	}
}

// Subscribe calls f with every finished record that is not part of another one, in the
// order in which they finished, until cancel is called. A call may still be under way
// when cancel returns. f runs on the worker's goroutine: while it runs, no record is
// processed, and records that are overwritten in the ring during that time are lost to f,
// and counted.
func (rc *Recorder) Subscribe(f func(*Record)) (cancel func()) {
	return rc.subs.add(f)
}

// subscribers is a list that is copied for every change, so that the worker reads it
// without a lock.
type subscribers struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*subscriber]
}

type subscriber struct{ call func(*Record) }

func (s *subscribers) all() []*subscriber {
	if list := s.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (s *subscribers) add(f func(*Record)) (cancel func()) {
	added := &subscriber{call: f}
	s.change(func(list []*subscriber) []*subscriber { return append(list, added) })
	return func() {
		s.change(func(list []*subscriber) []*subscriber {
			return slices.DeleteFunc(list, func(x *subscriber) bool { return x == added })
		})
	}
}

func (s *subscribers) change(edit func([]*subscriber) []*subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := edit(slices.Clone(s.all()))
	s.list.Store(&list)
}

// Outlet turns finished requests into spans and sends them out of the process. The
// recorder calls one method at a time, and no request waits for it, so methods may block
// and need no lock.
type Outlet interface {
	// Timeline adds the spans of one request. The timeline has no ledger. The outlet must
	// not keep it after the call.
	Timeline(t *trace.Timeline)
	// Conn adds the spans of a connection. It is called once for each connection, with
	// the current stamp, at which stages that have not ended are open.
	Conn(c *Conn, now int64)
	// Batch adds the spans of a complete batch. It is called once for each batch.
	Batch(b *Batch)
	// Waiting returns how many spans were added since the last Flush.
	Waiting() int
	// Flush sends the spans that were added. It forgets them even if it returns an error.
	// It returns ctx's error if ctx ends first.
	Flush(ctx context.Context) error
	// Shutdown releases the outlet's resources. No method is called after it.
	Shutdown(ctx context.Context) error
}

// exportQueue passes sampled records to the Outlet on a goroutine of its own, so that an
// exporter that hangs delays neither requests nor the worker. The queue is bounded:
// records that do not fit are not exported, and counted.
type exportQueue struct {
	rc     *Recorder
	outlet Outlet
	queue  chan *Record
	queued atomic.Int64 // records in the queue, their parts included

	stages   []trace.StageTime // reused from record to record
	pending  int               // records whose spans wait in the outlet
	exported atomic.Uint64     // records whose spans were sent

	ctx    context.Context // cancelled when Close gives up
	cancel context.CancelFunc
	ended  sync.Once
	done   chan struct{} // closed when the goroutine has ended

	lastReport int64 // stamp of the last call of OnError; zero if there was none
}

// linger is how long spans wait for others, to be sent together with them.
const linger = 100 * time.Millisecond

func newExportQueue(rc *Recorder) *exportQueue {
	o := &exportQueue{
		rc: rc, outlet: rc.opts.Outlet,
		queue: make(chan *Record, rc.limit.queue), done: make(chan struct{}),
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

// offer queues a record for export, or counts it as not exported if the queue is full.
// Only the worker calls it.
func (o *exportQueue) offer(r *Record) {
	weight := int64(r.weight())
	if o.queued.Add(weight) > int64(cap(o.queue)) {
		o.queued.Add(-weight)
		o.rc.lost.NotExported.Add(1)
		return
	}
	r.retain()
	o.queue <- r // does not block: a record takes one slot and weighs at least one, and nobody else sends
}

// close exports the queued records and shuts the outlet down. It is called after the
// worker has ended, so that nothing is offered any more.
func (o *exportQueue) close(ctx context.Context) error {
	defer o.cancel()
	o.ended.Do(func() { close(o.queue) })
	select {
	case <-o.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := o.outlet.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut exporter down: %w", err)
	}
	return nil
}

func (o *exportQueue) run() {
	defer close(o.done)
	timer := time.NewTimer(linger)
	timer.Stop()
	for {
		select {
		case r, more := <-o.queue:
			if !more {
				o.flush()
				return
			}
			if o.pending == 0 {
				timer.Reset(linger)
			}
			o.queued.Add(-int64(r.weight()))
			o.add(r)
		case <-timer.C:
			o.flush()
		}
	}
}

// add gives the outlet the spans of a record, after a flush if they might not fit into the
// same export.
func (o *exportQueue) add(r *Record) {
	t := r.assemble(o.stages)
	o.stages = t.Stages
	// The request and its stages; for it and each part two batches of two stages, and a
	// connection with its stages.
	most := 1 + len(t.Stages) + r.weight()*(4+int(stages.LastConn-stages.FirstConn)+2)
	if o.pending > 0 && o.outlet.Waiting()+most > o.rc.limit.batch {
		o.flush()
	}
	o.outlet.Timeline(t)
	o.addShared(r)
	r.release()
	o.pending++
}

// addShared gives the outlet the spans of the connections and batches of the record and
// its parts, unless an earlier record has brought them.
func (o *exportQueue) addShared(r *Record) {
	parts, _ := r.parts()
	for _, part := range parts {
		o.addShared(part.rec)
	}
	if c := r.conn; c != nil && c.exported.CompareAndSwap(false, true) {
		o.outlet.Conn(c, r.endStamp())
	}
	for _, b := range [...]*Batch{r.save.Load(), r.round.Load()} {
		if b != nil && b.complete() && b.exported.CompareAndSwap(false, true) {
			o.outlet.Batch(b)
		}
	}
}

// flush has the outlet send its spans, and waits for it.
func (o *exportQueue) flush() {
	if o.pending == 0 {
		return
	}
	if err := o.export(); err != nil {
		o.rc.lost.NotExported.Add(uint64(o.pending))
		o.reportError(fmt.Errorf("export %d requests: %w", o.pending, err))
	} else {
		o.exported.Add(uint64(o.pending))
	}
	o.pending = 0
}

func (o *exportQueue) export() error {
	ctx, cancel := context.WithTimeout(o.ctx, o.rc.opts.ExportTimeout)
	defer cancel()
	return o.outlet.Flush(ctx)
}

// reportError calls OnError, unless it was called less than a second ago.
func (o *exportQueue) reportError(err error) {
	now := o.rc.opts.Clock()
	if o.rc.opts.OnError == nil || (o.lastReport != 0 && now-o.lastReport < time.Second.Nanoseconds()) {
		return
	}
	o.lastReport = now
	o.rc.opts.OnError(err)
}

// sampled reports whether a finished record is to be exported. If the client sent a
// traceparent, its sampled flag decides, so that a trace is exported whole or not at all.
// If not, SampleRatio and the trace ID decide, as OpenTelemetry's TraceIDRatioBased does,
// so that all programs that see the ID decide the same.
func (o *Options) sampled(r *Record) bool {
	if o.SlowerThan > 0 && r.Duration() < o.SlowerThan {
		return false
	}
	if r.facts.Remote {
		return r.facts.Sampled
	}
	return inRatio(r.traceID, o.SampleRatio)
}

func inRatio(id trace.ID, ratio float64) bool {
	if ratio >= 1 {
		return true
	}
	return ratio > 0 && id.Lo>>1 < uint64(ratio*(1<<63))
}
