// Package command holds `glasskv serve`: the flags, the log, the signals, and
// what a person is told when the server cannot run.
//
//	serve.go     the command, one run of the server, and the Observer that may watch it
//	flags.go     the flags, named as etcd's, their GLASSKV_ variables, and the serve.Config they make
//	log.go       the log, for people or for programs
//	listen.go    addresses other than etcd's: the trace endpoint's and the debug pages'
//	debug.go     pages about the process, on an address of their own
//	tracing.go   Tracing, the Observer that records every request
//	control.go   breakpoints and faults: their flags, and the terminal that steers held requests
//	way_out.go   what a person can do about an error
//
// Upstream this is go.etcd.io/etcd/server/v3/etcdmain.
package command

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.etcd.io/etcd/api/v3/version"
	"go.uber.org/zap"

	"glasskv/server/serve"
)

// observerCloseTimeout is how long an observer may take to send out what it
// still holds when the server has stopped.
const observerCloseTimeout = 5 * time.Second

// Options are what the caller of NewServeCommand decides.
type Options struct {
	// Observer watches the node; nil leaves it plain.
	Observer Observer
}

// NewServeCommand returns `glasskv serve`. It runs until SIGINT or SIGTERM, or
// until the context it is executed with ends, and returns nil when it could stop
// in order. Every error is one line that says what to do. The caller prints it
// and chooses the exit code.
func NewServeCommand(opts Options) *cobra.Command {
	flags := newServeFlags()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a GlassKV server",
		Long: "Run a GlassKV server: a single member that speaks etcd's v3 API.\n\n" +
			"Each flag can also be given as a variable, --data-dir as GLASSKV_DATA_DIR for example;\n" +
			"the flag wins. SIGINT or SIGTERM stops the server in order, a second one at once.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runServe(cmd, flags, opts.Observer)
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	cmd.Flags().SortFlags = false
	flags.add(cmd.Flags())
	if opts.Observer != nil {
		opts.Observer.AddFlags(cmd.Flags())
	}
	return cmd
}

// runServe makes the parts that a run needs and takes care of the observer,
// which outlives the node so that it sees its last requests.
func runServe(cmd *cobra.Command, flags *serveFlags, observer Observer) error {
	if err := setFromEnv(cmd.Flags()); err != nil {
		return err
	}
	lg, err := newLogger(cmd.ErrOrStderr(), flags.logLevel, flags.logFormat)
	if err != nil {
		return err
	}
	cfg, err := flags.config()
	if err != nil {
		return err
	}
	cfg.Logger = lg
	warnUnknownEnv(lg, cmd.Flags())
	debug, err := serveDebug(lg, flags.debugURL, cfg)
	if err != nil {
		return withWayOut(err)
	}
	defer debug.close(lg)

	var seams serve.Seams
	if observer != nil {
		defer closeObserver(lg, observer)
		if seams, err = observer.Seams(cfg, debug.at(), cmd.OutOrStdout()); err != nil {
			return err
		}
	}
	return run(cmd.Context(), cfg, seams)
}

func closeObserver(lg *zap.Logger, observer Observer) {
	ctx, cancel := context.WithTimeout(context.Background(), observerCloseTimeout)
	defer cancel()
	if err := observer.Close(ctx); err != nil {
		lg.Warn("close observer", zap.Error(err))
	}
}

// run is one life of a node. It ends in order when ctx does or a signal comes,
// and with an error when the node could not start or could not go on.
//
// Once it is stopping, a signal does again what it does to any process: the
// second one ends it at once. That is safe, since a node may be killed at any
// time.
func run(ctx context.Context, cfg serve.Config, seams serve.Seams) error {
	ctx, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer restore()
	serve.RelaxGC()
	logStart(cfg)
	node, err := serve.Start(ctx, cfg, seams)
	if err != nil {
		return withWayOut(err)
	}
	var failure error
	select {
	case <-ctx.Done():
		restore()
		cfg.Logger.Info("stopping", zap.NamedError("reason", context.Cause(ctx)))
	case failure = <-node.Err():
		cfg.Logger.Error("stopping, because the server cannot go on", zap.Error(failure))
	}
	if err := node.Stop(context.Background()); err != nil {
		cfg.Logger.Warn("stopped, but not gracefully", zap.Error(err))
	} else {
		cfg.Logger.Info("stopped")
	}
	return withWayOut(failure)
}

// logStart says what is being started, by which a log can be told from another.
func logStart(cfg serve.Config) {
	cfg.Logger.Info("starting a GlassKV server",
		zap.String("etcd-version", version.Version),
		zap.String("go-version", runtime.Version()),
		zap.Int("max-cpu-set", runtime.GOMAXPROCS(0)),
		zap.String("name", cfg.Name),
		zap.String("data-dir", cfg.DataDir),
		zap.Strings("listen-client-urls", cfg.ListenClientURLs.StringSlice()),
		zap.Strings("listen-peer-urls", cfg.ListenPeerURLs.StringSlice()))
}

// Observer is what watches a node through its seams. The server knows no more
// about it than this.
type Observer interface {
	// AddFlags adds the observer's own flags to the command's. It is called
	// once, by NewServeCommand.
	AddFlags(fs *pflag.FlagSet)
	// Seams is called once per run, after the flags have been read and before
	// anything is opened. The configuration tells the node's name and its log;
	// debugURL is where the debug pages are, or empty, and out where the observer
	// may print for people to read. After an error only Close is called.
	Seams(cfg serve.Config, debugURL string, out io.Writer) (serve.Seams, error)
	// Close is called when the node has stopped, or could not be started, and
	// when Seams returned an error, for it may have begun things by then. It
	// sends out what is still held, until ctx ends.
	Close(ctx context.Context) error
}
