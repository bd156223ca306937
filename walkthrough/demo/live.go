package demo

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.uber.org/zap"
	"google.golang.org/grpc"

	"glasskv/server/practice"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/record"
	"glasskv/walkthrough/client"
)

// LiveOptions say what is different about a server that others start.
type LiveOptions struct {
	Log     *zap.Logger         // of the server; nil for none
	TLS     bool                // secured with a certificate made for the run
	Workers uint32              // stream workers; 0 gives each request a goroutine of its own
	Cold    bool                // its first writes are not made out of sight
	Config  func(*serve.Config) // changes the configuration; nil leaves it as it is
}

// Live is the demo's server for others that show live requests: real ports, a
// real disk, every seam, and the service for practice. Stop it when done.
type Live struct {
	server   *server
	practice *practice.Service
}

// StartLive starts a server and waits until it serves clients. Whatever it has
// begun when it fails, or when ctx ends, is undone.
func StartLive(ctx context.Context, o LiveOptions) (*Live, error) {
	l := &Live{server: &server{}, practice: practice.New()}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	how := setting{secured: o.TLS, config: func(cfg *serve.Config) {
		cfg.TickMs = quickTick
		cfg.NumStreamWorkers = o.Workers
		cfg.ServiceRegister = func(reg grpc.ServiceRegistrar) { l.practice.Register(reg) }
		if o.Config != nil {
			o.Config(cfg)
		}
	}}
	how.front = func(f *seam.FrontOptions) { f.StreamWorkers = o.Workers > 0 }
	if err := l.begin(ctx, o, how); err != nil {
		return nil, errors.Join(err, l.Stop())
	}
	return l, nil
}

func (l *Live) begin(ctx context.Context, o LiveOptions, how setting) error {
	if err := l.server.start(ctx, o.Log, how, func(plain serve.Seams) serve.Seams { return plain }); err != nil {
		return err
	}
	if o.Cold {
		return nil
	}
	reach, err := l.Reach()
	if err != nil {
		return err
	}
	if err := warmUp(ctx, reach); err != nil {
		return fmt.Errorf("warm the server up: %w", err)
	}
	return nil
}

// Reach says how a client reaches the server.
func (l *Live) Reach() (client.Options, error) { return l.server.reach() }

// TraceURL is where the server's timelines are fetched, as "http://host:port".
func (l *Live) TraceURL() string { return l.server.traceURL }

// Dir is where the server's data are until it is stopped.
func (l *Live) Dir() string { return l.server.place.dir }

// InMemory reports whether that is a file system in memory, where an fsync costs
// nothing.
func (l *Live) InMemory() bool { return l.server.place.memory }

// Recorder has the server's records.
func (l *Live) Recorder() *record.Recorder { return l.server.rec }

// Observer is what watches the server.
func (l *Live) Observer() *seam.Observer { return l.server.observer }

// Practice is the service for practice that the server offers.
func (l *Live) Practice() *practice.Service { return l.practice }

// Stop ends the server and removes its data.
func (l *Live) Stop() error { return l.server.stop() }

// FailureLog returns a log for such a server that says only what has failed.
func FailureLog(w io.Writer) *zap.Logger { return failures(w) }
