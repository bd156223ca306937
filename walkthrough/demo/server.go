package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"go.uber.org/zap"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/types"

	servercommand "glasskv/server/command"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/endpoint"
	"glasskv/trace/record"
	"glasskv/walkthrough/client"
)

// server is a whole GlassKV server inside this process: real ports on the
// loopback interface, a real disk, real fsync. It differs from `glasskv serve`
// in nothing but who starts it.
type server struct {
	place    place
	rec      *record.Recorder
	observer *seam.Observer
	node     *serve.Node
	traceURL string
	caFile   string                        // what a client trusts; empty without TLS
	cutOff   bool                          // the node was stopped without waiting, and said so
	closers  []func(context.Context) error // undone in the opposite order
}

// stopTimeout bounds how long the demo tidies up.
const stopTimeout = 5 * time.Second

// startServer starts a server and waits until it serves clients. Whatever it
// has begun when it fails, or when ctx ends, is undone.
func startServer(ctx context.Context, lg *zap.Logger) (*server, error) {
	s := &server{}
	if err := s.start(ctx, lg, setting{}, func(plain serve.Seams) serve.Seams { return plain }); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// start starts the server as an act wants it. What it has begun when it fails is
// left to stop.
func (s *server) start(ctx context.Context, lg *zap.Logger, how setting, wrap func(serve.Seams) serve.Seams) (err error) {
	if s.place, err = newPlace(); err != nil {
		return err
	}
	s.undo(func(context.Context) error { return s.place.remove() })
	servercommand.RelaxGC()
	if err := s.record(how); err != nil {
		return err
	}
	cfg, err := s.config(lg, how)
	if err != nil {
		return err
	}
	if s.node, err = serve.Start(ctx, cfg, wrap(s.observer.Seams())); err != nil {
		return err
	}
	s.undo(s.stopNode)
	select {
	case <-s.node.ReadyNotify():
		return nil
	case err := <-s.node.Err():
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stopNode stops the node, unless an act has done so already without waiting;
// its complaint about that is part of the act.
func (s *server) stopNode(ctx context.Context) error {
	if err := s.node.Stop(ctx); !s.cutOff {
		return err
	}
	return nil
}

// record prepares what observes the server, and the endpoint where its
// timelines are fetched.
func (s *server) record(how setting) (err error) {
	s.rec = record.NewRecorder(record.Options{})
	s.undo(s.rec.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the trace endpoint: %w", err)
	}
	s.traceURL = "http://" + l.Addr().String()
	s.undo(endpoint.Serve(l, s.rec))
	options := seam.Options{TraceURL: s.traceURL}
	if how.front != nil {
		how.front(&options.FrontOptions)
	}
	if s.observer, err = seam.New(s.rec, options); err != nil {
		return err
	}
	s.undo(func(context.Context) error { s.observer.Close(); return nil })
	return nil
}

func (s *server) config(lg *zap.Logger, how setting) (serve.Config, error) {
	cfg := serve.DefaultConfig("demo", s.place.dir)
	free := types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ListenClientURLs, cfg.ListenPeerURLs, cfg.PeerURLs = free, free, free
	cfg.Logger = lg
	if how.config != nil {
		how.config(&cfg)
	}
	if how.secured || how.mutual {
		if err := s.secure(&cfg, how.mutual); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// addr is where the server takes requests.
func (s *server) addr() string { return s.node.ClientAddrs()[0].String() }

func (s *server) undo(f func(context.Context) error) { s.closers = append(s.closers, f) }

// stop ends the server and removes its data, also when the demo was
// interrupted.
func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for len(s.closers) > 0 {
		last := len(s.closers) - 1
		errs = append(errs, s.closers[last](ctx))
		s.closers = s.closers[:last]
	}
	return errors.Join(errs...)
}

// warmUps is how many writes it takes until the server does what it does all
// day: memory is mapped, files have grown, the cluster's version is written.
const warmUps = 50

// warmUp sends writes over a connection of their own, so that what is shown is
// not the first seconds of a process.
func warmUp(ctx context.Context, o client.Options) (err error) {
	c, err := client.Connect(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	kv := pb.NewKVClient(c)
	for range warmUps {
		if _, err := kv.Put(ctx, &pb.PutRequest{Key: []byte("warm-up")}); err != nil {
			return c.Explain(err)
		}
	}
	return nil
}
