package command

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"glasskv/trace/record"
)

// screen prints timelines as requests end. A terminal may be slow or stopped
// with Ctrl-S, so it has a goroutine of its own behind a bounded queue; what
// does not fit is counted and said with the next timeline.
type screen struct {
	out     io.Writer
	printer Printer
	queue   chan *record.Record
	skipped atomic.Int64
	cancel  func()
	quit    chan struct{}
	done    chan struct{}
	err     error // of the first failed write; read after done
}

// screenQueue is a few screenfuls: more than anybody reads, and little memory.
const screenQueue = 64

func newScreen(out io.Writer, p Printer, rec *record.Recorder, slowerThan time.Duration) *screen {
	s := &screen{
		out: out, printer: p,
		queue: make(chan *record.Record, screenQueue),
		quit:  make(chan struct{}), done: make(chan struct{}),
	}
	s.cancel = rec.Subscribe(func(r *record.Record) {
		if r.Duration() < slowerThan {
			return
		}
		select {
		case s.queue <- r:
		default:
			s.skipped.Add(1)
		}
	})
	go s.run()
	return s
}

func (s *screen) run() {
	defer close(s.done)
	for {
		select {
		case r := <-s.queue:
			s.print(r)
		case <-s.quit:
			for len(s.queue) > 0 {
				s.print(<-s.queue)
			}
			return
		}
	}
}

func (s *screen) print(r *record.Record) {
	if s.err != nil {
		return // the reader is gone; there is nobody to tell
	}
	if n := s.skipped.Swap(0); n > 0 {
		if _, s.err = fmt.Fprintf(s.out, "… %d timelines were not printed: they came faster than they can be shown\n\n", n); s.err != nil {
			return
		}
	}
	s.err = s.printer.Print(s.out, r.Timeline())
}

// close prints what is queued and ends the goroutine. It gives up when ctx ends.
func (s *screen) close(ctx context.Context) error {
	s.cancel()
	close(s.quit)
	select {
	case <-s.done:
		if s.err != nil {
			return fmt.Errorf("print timelines: %w", s.err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("print timelines: %w", ctx.Err())
	}
}
