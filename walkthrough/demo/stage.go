package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	"glasskv/server/practice"
	"glasskv/server/serve"
	"glasskv/trace"
	"glasskv/trace/record"
	"glasskv/walkthrough/client"
)

// setStage starts a server as an act wants it, with the service for practice, and
// a client of it. Whatever it has begun when it fails is undone.
func setStage(ctx context.Context, how setting, lg *zap.Logger) (s *stage, err error) {
	s = &stage{server: &server{}, practice: practice.New(), door: &practice.Door{}, finished: make(chan *record.Record, 1024)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	before := how.config
	how.config = func(cfg *serve.Config) {
		cfg.TickMs = quickTick
		cfg.ServiceRegister = func(reg grpc.ServiceRegistrar) {
			s.registrar = reg
			s.practice.Register(reg)
		}
		if before != nil {
			before(cfg)
		}
	}
	if how.quiet {
		lg = zap.NewNop()
	}
	wrap := func(seams serve.Seams) serve.Seams {
		if how.seams != nil {
			how.seams(s, &seams)
		}
		return seams
	}
	if err := s.start(ctx, lg, how, wrap); err != nil {
		return s, err
	}
	reach, err := s.reach()
	if err != nil {
		return s, err
	}
	if !how.cold {
		if err := warmUp(ctx, reach); err != nil {
			return s, fmt.Errorf("warm the server up: %w", err)
		}
	}
	s.rec.Subscribe(func(r *record.Record) {
		select {
		case s.finished <- r:
		default: // an act looks at a handful
		}
	})
	if s.client, err = client.Dial(reach); err != nil {
		return s, err
	}
	s.undo(func(context.Context) error { return s.client.Close() })
	return s, nil
}

// quickTick is a heartbeat of 10 ms, with which a member alone is its own leader
// after a tenth of a second.
const quickTick = 10

// next returns the next finished record of the server's that fits.
func (s *stage) next(ctx context.Context, what string, fits func(*record.Record) bool) (*record.Record, error) {
	for {
		select {
		case r := <-s.finished:
			if fits(r) {
				return r, nil
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("no timeline of %s: %w", what, context.Cause(ctx))
		}
	}
}

// of fits requests for a method.
func of(method string) func(*record.Record) bool {
	return func(r *record.Record) bool { return r.Facts().Method == method }
}

// ofConnection fits connections that never carried a request.
func ofConnection(r *record.Record) bool { return r.Has(record.MarkConnection) }

// ofStream fits the request on a stream of a connection that was opened by hand.
func ofStream(w *wire, id uint32) func(*record.Record) bool {
	return func(r *record.Record) bool {
		return r.StreamID() == id && r.Conn() != nil && r.Conn().Peer == w.conn.LocalAddr().String()
	}
}

// show waits for a record and makes it an outcome.
func (s *stage) show(ctx context.Context, client, what string, fits func(*record.Record) bool) (*outcome, error) {
	r, err := s.next(ctx, what, fits)
	if err != nil {
		return nil, err
	}
	return &outcome{client, []*trace.Timeline{r.Timeline()}}, nil
}

// call makes a request with the observed client, on a connection that is open
// already, and returns its whole timeline. That the request fails is the act.
func (s *stage) call(ctx context.Context, send func(context.Context) error) (*outcome, error) {
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	return s.firstCall(ctx, send)
}

// firstCall is call without a connection: the request opens it.
func (s *stage) firstCall(ctx context.Context, send func(context.Context) error) (*outcome, error) {
	o, sent := s.client.Do(ctx, send)
	if o == nil {
		return nil, errors.Join(sent, errors.New("the request was not recorded"))
	}
	t, err := s.client.Join(ctx, o)
	if err != nil {
		return nil, err
	}
	return &outcome{said(sent), []*trace.Timeline{t}}, nil
}

// connect opens the client's connection, out of sight.
func (s *stage) connect(ctx context.Context) error {
	if _, err := (&requests{kv: s.kv(), client: s.client}).put(ctx); err != nil {
		return fmt.Errorf("open the connection: %w", err)
	}
	return nil
}

// hold sends a request that is held until it is released, on a connection by
// hand, and returns when it is.
func (s *stage) hold(ctx context.Context, w *wire) (id uint32, err error) {
	if id, err = w.call(practice.Hold, &emptypb.Empty{}); err != nil {
		return 0, err
	}
	return id, s.practice.Arrived(ctx)
}

// wire opens a connection by hand and shakes hands.
func (s *stage) wire(ctx context.Context, settings ...http2.Setting) (*wire, error) {
	w, err := dialWire(ctx, s.addr())
	if err != nil {
		return nil, err
	}
	s.undo(func(context.Context) error { return w.close() })
	if err := w.hello(settings...); err != nil {
		return nil, err
	}
	return w, nil
}

// invoke returns a request of the observed client's.
func (s *stage) invoke(method string, in, out proto.Message) func(context.Context) error {
	return func(ctx context.Context) error { return s.client.Invoke(ctx, method, in, out) }
}

// pause lets time pass that an act is about.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
