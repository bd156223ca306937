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

// worker is the recorder's other half: one goroutine that follows the ring and
// does with each finished record what must not happen on a request's way.
type worker struct {
	seen    atomic.Uint64 // the cursor: numbers up to this one are dealt with
	slowest slowest
	subs    subscribers
	waiting waiters
	out     *exportQueue // nil when nothing is exported

	closing chan struct{} // closed to ask the worker to finish
	closed  sync.Once
	done    chan struct{} // closed when it has
}

// restAfterDrain is how long the worker leaves finished records alone after it dealt with
// some. Waking a goroutine costs a request more than all its stamps; under load
// one waking serves the records of this whole time.
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

// Close deals with the records that are finished, exports what is sampled,
// shuts the exporter down and stops the worker. It gives up when ctx ends and
// returns its error; records that finish later are not looked at any more.
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

// drain deals with all records that stand in the ring beyond the cursor, and
// returns how many numbers it moved on.
func (rc *Recorder) drain() (moved int) {
	for at := rc.seen.Load(); at < rc.next.Load(); moved++ {
		if behind := rc.next.Load() - at; behind > uint64(len(rc.ring)) {
			rc.lost.Overwritten.Add(1)
		} else {
			r := rc.ring[at%uint64(len(rc.ring))].Load()
			switch {
			case r == nil || r.kept.number < at+1:
				return moved // its number is taken, it is on its way; its finish will wake us
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

// process does all that is done with a finished record. The record is in the ring
// already, so whoever is told of it finds it there.
func (rc *Recorder) process(r *Record) {
	rc.hist.count(r)
	if r.isPart() {
		return // it is dealt with as a part of the one that follows
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

// Subscribe has f called with every finished record, in the order in which they
// finished, until cancel is called. It is called on the worker's goroutine: while
// it runs, nothing else is dealt with, and what the ring cannot hold meanwhile
// is lost and counted. A call may still be under way when cancel returns.
func (rc *Recorder) Subscribe(f func(*Record)) (cancel func()) {
	return rc.subs.add(f)
}

// subscribers is a list that is replaced, never changed, so that the worker
// reads it without a lock.
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
	one := &subscriber{call: f}
	s.change(func(list []*subscriber) []*subscriber { return append(list, one) })
	return func() {
		s.change(func(list []*subscriber) []*subscriber {
			return slices.DeleteFunc(list, func(x *subscriber) bool { return x == one })
		})
	}
}

func (s *subscribers) change(edit func([]*subscriber) []*subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := edit(slices.Clone(s.all()))
	s.list.Store(&list)
}

// Outlet turns finished requests into spans and sends them out of the process.
// The recorder calls it from one goroutine of its own, so an Outlet may block
// and needs no lock.
type Outlet interface {
	// Timeline adds the spans of one request. The timeline has no ledger, and is
	// only valid during the call.
	Timeline(t *trace.Timeline)
	// Conn adds the spans of a connection, once for each connection. A stage that
	// has not ended is open at the given stamp.
	Conn(c *Conn, now int64)
	// Batch adds the spans of a batch that is complete, once for each batch.
	Batch(b *Batch)
	// Waiting returns how many spans were added since the last Flush.
	Waiting() int
	// Flush sends the spans that were added and forgets them, whether or not it
	// could send them. It returns when they are sent or ctx ends.
	Flush(ctx context.Context) error
	// Shutdown releases what the outlet holds. Nothing is called after it.
	Shutdown(ctx context.Context) error
}

// exportQueue passes sampled records to the Outlet, on a goroutine of its own: an
// exporter that hangs delays neither a request nor the worker. The queue is
// bounded; what does not fit is lost and counted.
type exportQueue struct {
	rc     *Recorder
	outlet Outlet
	queue  chan *Record
	queued atomic.Int64 // records in the queue, embedded ones included

	stages   []trace.StageTime // of the record at hand
	pending  int               // records whose spans wait in the outlet
	exported atomic.Uint64

	ctx    context.Context // ends when Close gives up
	cancel context.CancelFunc
	ended  sync.Once
	done   chan struct{}

	lastReport int64 // when OnError was last called; zero: never
}

// linger is how long spans wait for company.
const linger = 100 * time.Millisecond

func newExportQueue(rc *Recorder) *exportQueue {
	o := &exportQueue{
		rc: rc, outlet: rc.opts.Outlet,
		queue: make(chan *Record, rc.limit.queue), done: make(chan struct{}),
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

// offer queues a record for export, or counts it as lost. Only the worker calls
// it.
func (o *exportQueue) offer(r *Record) {
	weight := int64(r.weight())
	if o.queued.Add(weight) > int64(cap(o.queue)) {
		o.queued.Add(-weight)
		o.rc.lost.NotExported.Add(1)
		return
	}
	r.retain()
	o.queue <- r // there is room: nobody else sends
}

// close exports what is queued and shuts the exporter down. The worker must
// have ended: nothing is offered any more.
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

// add makes the record's spans, and those of what it shares with others unless
// an earlier record has brought them.
func (o *exportQueue) add(r *Record) {
	t := r.assemble(o.stages)
	o.stages = t.Stages
	most := 1 + len(t.Stages) + r.weight()*(4+int(stages.LastConn-stages.FirstConn)+2)
	if o.pending > 0 && o.outlet.Waiting()+most > o.rc.limit.batch {
		o.flush()
	}
	o.outlet.Timeline(t)
	o.addShared(r)
	r.release()
	o.pending++
}

// addShared makes the spans of what the record, and those that it is made of, have in
// common with others.
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

// flush gives the spans to the exporter and waits for it.
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

// reportError passes an error on, but not a thousand of them.
func (o *exportQueue) reportError(err error) {
	now := o.rc.opts.Clock()
	if o.rc.opts.OnError == nil || (o.lastReport != 0 && now-o.lastReport < time.Second.Nanoseconds()) {
		return
	}
	o.lastReport = now
	o.rc.opts.OnError(err)
}

// sampled reports whether a finished record is to be exported. The client's
// decision counts where there is one, so that a trace is exported whole or not
// at all; else the ratio decides by the trace ID, by the same arithmetic as
// OpenTelemetry's TraceIDRatioBased, so that all who see the ID decide alike.
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
