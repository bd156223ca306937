package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/client/pkg/v3/types"

	"glasskv/server/practice"
	"glasskv/server/seam"
	"glasskv/server/serve"
	"glasskv/trace/endpoint"
	"glasskv/trace/record"
	"glasskv/walkthrough/client"
)

// server is a whole GlassKV server inside this process, as `glasskv serve` starts
// it: real ports on the loopback interface, a real disk, real fsync.
type server struct {
	data     dataDir
	rec      *record.Recorder
	observer *seam.Observer
	node     *serve.Node
	traceURL string
	caFile   string                        // the certificate that a client trusts; empty without TLS
	cutOff   bool                          // an act has stopped the node while requests were under way
	stops    []func(context.Context) error // called by stop, the last one first
}

// stopTimeout bounds stop.
const stopTimeout = 5 * time.Second

// startServer starts a server and waits until it serves clients. If it fails, or
// if ctx ends, it undoes what it has begun.
func startServer(ctx context.Context, lg *zap.Logger) (*server, error) {
	s := &server{}
	if err := s.start(ctx, lg, setting{}, nil); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// start starts the server with the setting; change, unless nil, changes its seams.
// The caller must call stop, also after an error.
func (s *server) start(ctx context.Context, lg *zap.Logger, how setting, change func(*serve.Seams)) (err error) {
	if s.data, err = newDataDir(); err != nil {
		return err
	}
	s.onStop(func(context.Context) error { return os.RemoveAll(s.data.path) })
	serve.RelaxGC()
	if err := s.observe(how); err != nil {
		return err
	}
	cfg, err := s.config(lg, how)
	if err != nil {
		return err
	}
	seams := s.observer.Seams()
	if change != nil {
		change(&seams)
	}
	if s.node, err = serve.Start(ctx, cfg, seams); err != nil {
		return err
	}
	s.onStop(s.stopNode)
	select {
	case <-s.node.ReadyNotify():
		return nil
	case err := <-s.node.Err():
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// stopNode stops the node. If an act has cut requests off, the error that says so
// is dropped.
func (s *server) stopNode(ctx context.Context) error {
	if err := s.node.Stop(ctx); !s.cutOff {
		return err
	}
	return nil
}

// observe starts the recorder, the endpoint that serves its timelines, and the
// observer.
func (s *server) observe(how setting) (err error) {
	s.rec = record.NewRecorder(record.Options{})
	s.onStop(s.rec.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen for the trace endpoint: %w", err)
	}
	s.traceURL = "http://" + l.Addr().String()
	s.onStop(endpoint.Serve(l, s.rec))
	options := seam.Options{FrontOptions: seam.FrontOptions{TraceURL: s.traceURL}}
	if how.front != nil {
		how.front(&options.FrontOptions)
	}
	if s.observer, err = seam.New(s.rec, options); err != nil {
		return err
	}
	s.onStop(func(context.Context) error { s.observer.Close(); return nil })
	return nil
}

func (s *server) config(lg *zap.Logger, how setting) (serve.Config, error) {
	cfg := serve.DefaultConfig("demo", s.data.path)
	free := types.MustNewURLs([]string{"http://127.0.0.1:0"})
	cfg.ListenClientURLs, cfg.ListenPeerURLs, cfg.PeerURLs = free, free, free
	cfg.Logger = lg
	if how.config != nil {
		how.config(&cfg)
	}
	if how.tls || how.mutual {
		if err := s.secure(&cfg, how.mutual); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// addr returns the address at which the server takes requests.
func (s *server) addr() string { return s.node.ClientAddrs()[0].String() }

// onStop has stop call f.
func (s *server) onStop(f func(context.Context) error) { s.stops = append(s.stops, f) }

// stop stops the server and removes its data. It does not depend on the context
// that the server was started with.
func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var errs []error
	for len(s.stops) > 0 {
		last := len(s.stops) - 1
		errs = append(errs, s.stops[last](ctx))
		s.stops = s.stops[:last]
	}
	return errors.Join(errs...)
}

// warmUps is how many writes it takes until the server is in its steady state:
// memory is mapped, files have grown, the cluster's version is written.
const warmUps = 50

// warmUp sends writes over a connection of their own, so that the timelines are
// not those of a process's first seconds.
func (s *server) warmUp(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("warm the server up: %w", err)
		}
	}()
	reach, err := s.reach()
	if err != nil {
		return err
	}
	c, err := client.Connect(reach)
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

// secure makes a self-signed certificate for the server. If mutual is set, clients
// need a certificate that is signed with it, which no client has.
func (s *server) secure(cfg *serve.Config, mutual bool) error {
	// SelfCert warns in its log of what is intended here, so it gets no log.
	made, err := transport.SelfCert(zap.NewNop(), filepath.Join(cfg.DataDir, "fixtures", "demo"), []string{"127.0.0.1:0"}, 1)
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	s.caFile = made.CertFile
	cfg.ListenClientURLs = types.MustNewURLs([]string{"https://127.0.0.1:0"})
	cfg.ClientTLSInfo = transport.TLSInfo{CertFile: made.CertFile, KeyFile: made.KeyFile}
	if mutual {
		cfg.ClientTLSInfo.TrustedCAFile, cfg.ClientTLSInfo.ClientCertAuth = made.CertFile, true
	}
	return nil
}

// reach returns the options with which a client reaches the server.
func (s *server) reach() (o client.Options, err error) {
	o = client.Options{Endpoints: []string{s.addr()}, TraceURL: s.traceURL}
	if s.caFile != "" {
		o.Creds, err = client.Security{CAFile: s.caFile}.Creds(o.Endpoints)
	}
	return o, err
}

// dataDir is the directory of the server's data. It exists as long as the server.
type dataDir struct {
	path   string
	memory bool // its file system is in memory: an fsync costs nothing
}

// newDataDir makes a directory on a disk: below $TMPDIR if that is set, else in the
// user's cache, else in the system's directory for temporary files, else in the
// working directory. If none of them is on a disk, it takes the first in memory,
// and the demo says so.
func newDataDir() (dataDir, error) {
	var memory string
	var problems []error
	for _, parent := range parentDirs() {
		if err := os.MkdirAll(parent, 0o700); err != nil {
			problems = append(problems, err)
			continue
		}
		dir, err := os.MkdirTemp(parent, "glasskv-demo-")
		switch {
		case err != nil:
			problems = append(problems, err)
		case !inMemory(dir):
			return dataDir{path: dir}, os.RemoveAll(memory)
		case memory == "":
			memory = dir
		default:
			problems = append(problems, os.Remove(dir))
		}
	}
	if memory != "" {
		return dataDir{path: memory, memory: true}, nil
	}
	return dataDir{}, fmt.Errorf("find room for the demo's data (set TMPDIR to a directory on a disk): %w", errors.Join(problems...))
}

// parentDirs returns the directories in which newDataDir tries to make its directory, the
// best first.
func parentDirs() []string {
	var dirs []string
	if dir := os.Getenv("TMPDIR"); dir != "" {
		dirs = append(dirs, dir)
	}
	if dir, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(dir, "glasskv"))
	}
	return append(dirs, os.TempDir(), ".")
}

// LiveOptions are the options of StartLive. The zero value is a warm server without
// TLS, stream workers or a log.
type LiveOptions struct {
	Log     *zap.Logger         // the server's log; nil for none
	TLS     bool                // with a self-signed certificate
	Workers uint32              // stream workers; 0 gives each request a goroutine of its own
	Cold    bool                // the server is not warmed up
	Config  func(*serve.Config) // changes the configuration; nil leaves it as it is
}

// Live is the demo's server for other packages that show live requests: real ports,
// a real disk, every seam, and the service for practice. The caller must Stop it.
type Live struct {
	server   *server
	practice *practice.Service
}

// StartLive starts a server and waits until it serves clients. If it fails, or if
// ctx ends, it undoes what it has begun.
func StartLive(ctx context.Context, o LiveOptions) (*Live, error) {
	l := &Live{server: &server{}, practice: practice.New()}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	how := setting{tls: o.TLS, config: func(cfg *serve.Config) {
		cfg.TickMs = quickTick
		cfg.NumStreamWorkers = o.Workers
		cfg.ServiceRegister = func(reg grpc.ServiceRegistrar) { l.practice.Register(reg) }
		if o.Config != nil {
			o.Config(cfg)
		}
	}}
	how.front = func(f *seam.FrontOptions) { f.StreamWorkers = o.Workers > 0 }
	err := l.server.start(ctx, o.Log, how, nil)
	if err == nil && !o.Cold {
		err = l.server.warmUp(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, l.Stop())
	}
	return l, nil
}

// Reach returns the options with which a client reaches the server.
func (l *Live) Reach() (client.Options, error) { return l.server.reach() }

// TraceURL returns where the server's timelines are fetched, as "http://host:port".
func (l *Live) TraceURL() string { return l.server.traceURL }

// Dir returns the directory of the server's data, which Stop removes.
func (l *Live) Dir() string { return l.server.data.path }

// InMemory reports whether Dir is on a file system in memory, where an fsync costs
// nothing.
func (l *Live) InMemory() bool { return l.server.data.memory }

// Recorder returns the recorder of the server's requests.
func (l *Live) Recorder() *record.Recorder { return l.server.rec }

// Observer returns what observes the server through its seams.
func (l *Live) Observer() *seam.Observer { return l.server.observer }

// Stop stops the server and removes its data.
func (l *Live) Stop() error { return l.server.stop() }

// FailureLog returns a log for such a server that contains errors only. Warnings
// are left out, because raft warns of every step of an election.
func FailureLog(w io.Writer) *zap.Logger {
	cfg := zap.NewDevelopmentEncoderConfig()
	cfg.TimeKey, cfg.CallerKey = zapcore.OmitKey, zapcore.OmitKey
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(cfg), zapcore.Lock(zapcore.AddSync(w)), zapcore.ErrorLevel))
}
