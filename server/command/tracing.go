package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap"

	"glasskv/server/control"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/trace/endpoint"
	"glasskv/trace/otlp"
	"glasskv/trace/record"
)

// Printer prints timelines for people. It is declared here because the server does
// not know how timelines are drawn. An error means that w could not be written.
type Printer interface {
	// AddFlags adds the printer's flags: language, width, colour, output.
	AddFlags(fs *pflag.FlagSet)
	// Print writes one timeline.
	Print(w io.Writer, t *trace.Timeline) error
	// PrintHold writes what is known of a held request and how to continue it: by a
	// command that uses the trace endpoint and, if typed is true, by typing s or c.
	PrintHold(w io.Writer, r *control.Report, endpoint string, typed bool) error
	// PrintEvent writes what has happened to a held request.
	PrintEvent(w io.Writer, e control.Event) error
}

// Tracing is the Observer that records every request. It makes the seams and hands
// the records to the terminal, the exporter and the trace endpoint:
//
//	seams --> Recorder --+--> screen, with --timeline
//	                     +--> exporter, with --exporter
//	                     +--> trace endpoint, for `glasskv timeline` and others
//	seams <-- Steering <-+--- trace endpoint, with --control
//	                     +--- console, with --control
type Tracing struct {
	printer Printer

	mode        string
	timeline    bool
	exporter    string
	file        string
	slowerThan  time.Duration
	sampleRatio float64
	redact      bool
	memory      byteSize
	listenURL   listenURL
	control     controlFlags

	rec      *record.Recorder
	observer *seam.Observer
	screen   *screen
	endpoint *endpointServer
	console  *console
}

// NewTracing returns a Tracing that prints with printer.
func NewTracing(printer Printer) *Tracing {
	return &Tracing{printer: printer, memory: record.DefaultMemoryBytes, listenURL: listenURL{value: endpoint.DefaultTraceURL}}
}

// AddFlags implements Observer.
func (t *Tracing) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&t.mode, "trace", "on", "on, or off to run without any tracing")
	fs.BoolVar(&t.timeline, "timeline", false, "print each request's timeline as it ends")
	fs.StringVar(&t.exporter, "exporter", otlp.SinkNone,
		"where spans go: none, stdout, otlp (OTEL_EXPORTER_OTLP_* say where), or file")
	fs.StringVar(&t.file, "trace-file", "glasskv-trace.jsonl", "the file of --exporter file, as OTLP/JSON")
	fs.DurationVar(&t.slowerThan, "slower-than", 0, "print and export only requests that took longer, such as 10ms")
	fs.Float64Var(&t.sampleRatio, "sample-ratio", 1,
		"share of requests to export, from 0 to 1; a client's traceparent takes precedence")
	fs.BoolVar(&t.redact, "redact", false, "keep no keys in traces, only their sizes")
	fs.Var(&t.memory, "trace-memory", "memory that records and their queues may take")
	fs.Var(&t.listenURL, "listen-trace-url",
		"URL to serve finished timelines on; empty for nowhere; if the default port is taken, a free one is used")
	t.control.addFlags(fs)
	t.printer.AddFlags(fs)
}

// Seams implements Observer.
func (t *Tracing) Seams(cfg serve.Config, debugURL string, out io.Writer) (serve.Seams, error) {
	if err := t.check(); err != nil {
		return serve.Seams{}, err
	}
	if t.mode == "off" {
		return serve.Seams{}, nil
	}
	outlet, err := t.outlet(cfg.Logger, out)
	if err != nil {
		return serve.Seams{}, err
	}
	t.rec = record.NewRecorder(record.Options{
		MemoryBytes: int64(t.memory), Redact: t.redact, DebugURL: debugURL,
		Outlet: outlet, SampleRatio: t.sampleRatio, SlowerThan: t.slowerThan,
		OnError: func(err error) { cfg.Logger.Warn("export spans", zap.Error(err)) },
	})
	if t.endpoint, err = listenTimelines(cfg.Logger, t.listenURL, cfg.TLSConfig); err != nil {
		return serve.Seams{}, err
	}
	if t.observer, err = seam.New(t.rec, seam.Options{
		HoldTimeout:  t.control.holdTimeout,
		FrontOptions: seam.FrontOptions{TraceURL: t.endpoint.url(), StreamWorkers: cfg.NumStreamWorkers > 0},
	}); err != nil {
		return serve.Seams{}, err
	}
	if err := t.steer(cfg.Logger, out); err != nil {
		return serve.Seams{}, err
	}
	if t.timeline {
		t.screen = newScreen(out, t.printer, t.rec, t.slowerThan)
	}
	return t.observer.Seams(), nil
}

// steer begins to serve the trace endpoint. With --control the endpoint also steers
// the server, and a console begins; then it sets what --break and --fault ask for.
func (t *Tracing) steer(lg *zap.Logger, out io.Writer) error {
	if !t.control.steerable() {
		t.endpoint.serve(lg, t.rec)
		return nil
	}
	if !t.endpoint.isLoopback() {
		return fmt.Errorf("--control: anybody who reaches %s could stop requests; use a loopback address for --listen-trace-url", t.endpoint.base)
	}
	steering := t.observer.Steering()
	t.console = newConsole(out, t.printer, steering, t.endpoint.url())
	t.endpoint.serve(lg, t.rec, endpoint.WithControl(control.Handler(steering)))
	return t.control.begin(steering)
}

// check returns an error for flags that contradict each other or have no meaning.
func (t *Tracing) check() error {
	switch {
	case t.mode != "on" && t.mode != "off":
		return fmt.Errorf("--trace %q: use on or off", t.mode)
	case t.mode == "off" && (t.timeline || t.exporter != otlp.SinkNone):
		return errors.New("--trace off records nothing that --timeline or --exporter could show: leave one of them out")
	case t.sampleRatio < 0 || t.sampleRatio > 1:
		return fmt.Errorf("--sample-ratio %v: use a number from 0 to 1", t.sampleRatio)
	case t.slowerThan < 0:
		return fmt.Errorf("--slower-than %v: use a time above zero", t.slowerThan)
	}
	return t.control.check(t.mode, t.listenURL)
}

// outlet returns where sampled requests are exported to, or nil for nowhere.
func (t *Tracing) outlet(lg *zap.Logger, out io.Writer) (record.Outlet, error) {
	sink, err := otlp.NewSink(context.Background(), otlp.SinkOptions{
		Kind: t.exporter, Path: t.file, Writer: out,
	})
	if err != nil {
		return nil, fmt.Errorf("--exporter %s: %w", t.exporter, err)
	}
	if sink == nil {
		return nil, nil
	}
	exporter, err := otlp.NewExporter(sink)
	if err != nil {
		lg.Warn("export spans", zap.Error(err))
	}
	return exporter, nil
}

// Close implements Observer. It prints and sends the last records, and returns an
// error if some were lost.
func (t *Tracing) Close(ctx context.Context) error {
	if t.rec == nil {
		return nil
	}
	var errs []error
	if t.observer != nil {
		t.observer.Close()
	}
	errs = append(errs, t.console.close(ctx), t.endpoint.close(ctx), t.rec.Close(ctx))
	if t.screen != nil {
		errs = append(errs, t.screen.close(ctx))
	}
	return errors.Join(append(errs, lossError(t.rec.Stats()))...)
}

// lossError returns an error if requests are missing from the traces, else nil.
func lossError(s record.Stats) error {
	if s.NotRecorded+s.Overwritten+s.NotExported == 0 {
		return nil
	}
	return fmt.Errorf("%d requests were not recorded, %d recorded and overwritten too soon, %d not exported: give more --trace-memory or a lower --sample-ratio",
		s.NotRecorded, s.Overwritten, s.NotExported)
}

// endpointServer serves finished timelines on a port of its own, so that its requests
// are not traced. A nil *endpointServer serves nothing.
type endpointServer struct {
	base     string
	listener net.Listener
	stop     func(context.Context) error // nil until serve is called
}

// listenTimelines opens the port, so that its address is known before the recorder
// is served. It returns nil if u is empty.
func listenTimelines(lg *zap.Logger, u listenURL, certs serve.TLSConfig) (*endpointServer, error) {
	if u.value == "" {
		return nil, nil
	}
	l, err := u.listen(lg, certs)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("--listen-trace-url %s: the port is in use; choose another, or \"\" for none: %w", u.value, err)
	} else if err != nil {
		return nil, fmt.Errorf("--listen-trace-url %s: %w", u.value, err)
	}
	return &endpointServer{base: u.urlOf(l), listener: l}, nil
}

func (s *endpointServer) serve(lg *zap.Logger, rec *record.Recorder, options ...endpoint.Option) {
	if s == nil {
		return
	}
	s.stop = endpoint.Serve(s.listener, rec, options...)
	lg.Info("serving timelines", zap.String("url", s.base))
}

// isLoopback reports whether only this machine can reach the endpoint.
func (s *endpointServer) isLoopback() bool {
	tcp, ok := s.listener.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (s *endpointServer) url() string {
	if s == nil {
		return ""
	}
	return s.base
}

func (s *endpointServer) close(ctx context.Context) error {
	switch {
	case s == nil:
		return nil
	case s.stop == nil:
		return s.listener.Close()
	}
	return s.stop(ctx)
}

// screen prints timelines as requests end. It prints on a goroutine of its own, from a
// bounded queue, because a terminal may be slow or stopped with Ctrl-S. Timelines that
// do not fit into the queue are counted, and the next print says how many.
type screen struct {
	out     io.Writer
	printer Printer
	queue   chan *record.Record
	skipped atomic.Int64
	cancel  func()
	quit    chan struct{}
	done    chan struct{}
	err     error // the error of the first failed write; read only after done is closed
}

// screenQueue is the capacity of the queue, in timelines.
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
		return // the terminal or pipe has gone
	}
	if n := s.skipped.Swap(0); n > 0 {
		if _, s.err = fmt.Fprintf(s.out, "… %d timelines were not printed: they came faster than they can be shown\n\n", n); s.err != nil {
			return
		}
	}
	s.err = s.printer.Print(s.out, r.Timeline())
}

// close prints what is queued and ends the goroutine. It returns the first error of
// printing, or ctx's error if ctx ends first.
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
