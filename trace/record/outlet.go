package record

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"glasskv/trace"
	"glasskv/trace/stages"
)

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

	complained int64 // when OnError was last called; zero: never
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
	r.hold()
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
	t := r.Assemble(o.stages)
	o.stages = t.Stages
	most := 1 + len(t.Stages) + r.weight()*(4+int(stages.LastConn-stages.FirstConn)+2)
	if o.pending > 0 && o.outlet.Waiting()+most > o.rc.limit.batch {
		o.flush()
	}
	o.outlet.Timeline(t)
	o.share(r)
	r.drop()
	o.pending++
}

// share makes the spans of what the record, and those that it is made of, have in
// common with others.
func (o *exportQueue) share(r *Record) {
	parts, _ := r.parts()
	for _, part := range parts {
		o.share(part.rec)
	}
	if c := r.conn; c != nil && c.exported.CompareAndSwap(false, true) {
		o.outlet.Conn(c, r.over())
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
		o.complain(fmt.Errorf("export %d requests: %w", o.pending, err))
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

// complain passes an error on, but not a thousand of them.
func (o *exportQueue) complain(err error) {
	now := o.rc.opts.Clock()
	if o.rc.opts.OnError == nil || (o.complained != 0 && now-o.complained < time.Second.Nanoseconds()) {
		return
	}
	o.complained = now
	o.rc.opts.OnError(err)
}
