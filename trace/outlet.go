package trace

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// outlet makes spans of the sampled records and gives them to the exporter, on a
// goroutine of its own: an exporter that hangs holds up neither a request nor
// the worker. Its queue is bounded; what does not fit is lost and counted.
type outlet struct {
	rc     *Recorder
	sink   SpanSink
	from   provenance
	queue  chan *Record
	queued atomic.Int64 // records in the queue, with those that they are made of

	direct   direct // the sink, if it is one of ours
	spans    *spanner
	stages   []StageTime // of the record at hand
	pending  int         // records whose spans wait in spans
	exported atomic.Uint64

	ctx    context.Context // ends when Close gives up
	cancel context.CancelFunc
	ended  sync.Once
	done   chan struct{}

	complained int64 // when OnError was last called; zero: never
}

// direct is a sink that takes our spans as they are, which spares the way over
// the SDK's. The spans are only lent: they change after the call.
type direct interface {
	exportDirect(ctx context.Context, from *provenance, spans []span) error
}

// linger is how long spans wait for company.
const linger = 100 * time.Millisecond

func newOutlet(rc *Recorder) *outlet {
	o := &outlet{
		rc: rc, sink: rc.opts.Exporter, spans: newSpanner(),
		queue: make(chan *Record, rc.limit.queue), done: make(chan struct{}),
	}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	var err error
	if o.from, err = newProvenance(o.ctx); err != nil {
		o.complain(err)
	}
	o.direct, _ = o.sink.(direct)
	return o
}

// offer queues a record for export, or counts it as lost. Only the worker calls
// it.
func (o *outlet) offer(r *Record) {
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
func (o *outlet) close(ctx context.Context) error {
	defer o.cancel()
	o.ended.Do(func() { close(o.queue) })
	select {
	case <-o.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := o.sink.Shutdown(ctx); err != nil {
		return fmt.Errorf("shut exporter down: %w", err)
	}
	return nil
}

func (o *outlet) run() {
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
func (o *outlet) add(r *Record) {
	t := r.assemble(o.stages)
	o.stages = t.Stages
	most := 1 + len(t.Stages) + r.weight()*(4+int(lastConnStage-firstConnStage)+2)
	if o.pending > 0 && len(o.spans.spans)+most > o.rc.limit.batch {
		o.flush()
	}
	o.spans.timeline(t)
	o.share(r)
	r.drop()
	o.pending++
}

// share makes the spans of what the record, and those that it is made of, have in
// common with others.
func (o *outlet) share(r *Record) {
	parts, _ := r.parts()
	for _, part := range parts {
		o.share(part.rec)
	}
	if c := r.conn; c != nil && c.exported.CompareAndSwap(false, true) {
		o.spans.conn(c, r.over())
	}
	for _, b := range [...]*Batch{r.save.Load(), r.round.Load()} {
		if b != nil && b.complete() && b.exported.CompareAndSwap(false, true) {
			o.spans.batch(b)
		}
	}
}

// flush gives the spans to the exporter and waits for it.
func (o *outlet) flush() {
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
	if o.direct != nil {
		o.spans.reset()
	} else {
		o.spans = newSpanner() // the exporter may keep what it was given
	}
}

func (o *outlet) export() error {
	ctx, cancel := context.WithTimeout(o.ctx, o.rc.opts.ExportTimeout)
	defer cancel()
	if o.direct != nil {
		return o.direct.exportDirect(ctx, &o.from, o.spans.spans)
	}
	return o.sink.ExportSpans(ctx, o.from.stubs(o.spans.spans))
}

// complain passes an error on, but not a thousand of them.
func (o *outlet) complain(err error) {
	now := o.rc.opts.Clock()
	if o.rc.opts.OnError == nil || (o.complained != 0 && now-o.complained < time.Second.Nanoseconds()) {
		return
	}
	o.complained = now
	o.rc.opts.OnError(err)
}
