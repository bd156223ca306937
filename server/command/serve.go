// Package command is `glasskv serve`: its flags, log and signals, and what it tells
// a person when the server cannot run.
//
//	serve.go     the command, one run of the server, and the Observer that may watch it
//	flags.go     the flags, named as etcd's, their GLASSKV_ variables, and the serve.Config they make
//	log.go       the log, for people or for programs
//	listen.go    addresses other than etcd's: the trace endpoint's and the debug pages'
//	debug.go     pages about the process, on an address of their own
//	tracing.go   Tracing, the Observer that records every request
//	control.go   breakpoints and faults: their flags, and the terminal that steers held requests
//	remedy.go    what a person can do about an error
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

// observerCloseTimeout is how long an observer may take to send what it still holds
// once the server has stopped.
const observerCloseTimeout = 5 * time.Second

// Options are the options of NewServeCommand.
type Options struct {
	// Observer watches the node. If it is nil, the node has no seams.
	Observer Observer
}

// NewServeCommand returns `glasskv serve`. The command runs until SIGINT or SIGTERM,
// or until the context it is executed with ends, and then returns nil. If the server
// cannot start or cannot go on, it returns an error: one line, with what to do about
// it if that is known. The caller prints the error and chooses the exit code.
func NewServeCommand(opts Options) *cobra.Command {
	flags := newServeFlags()
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a GlassKV server",
		Long: "Run a GlassKV server: a single member that speaks etcd's v3 API.\n\n" +
			"Each flag can also be set by an environment variable, --data-dir by GLASSKV_DATA_DIR for\n" +
			"example; the flag takes precedence. SIGINT or SIGTERM stops the server gracefully, a second\n" +
			"signal at once.",
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

// runServe makes log, configuration, debug pages and observer, and runs a node with
// them. It closes the observer after the node has stopped, so that the observer sees
// the last requests.
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
		return withRemedy(err)
	}
	defer debug.close(lg)

	var seams serve.Seams
	if observer != nil {
		defer closeObserver(lg, observer)
		if seams, err = observer.Seams(cfg, debug.address(), cmd.OutOrStdout()); err != nil {
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

// run starts a node and stops it when ctx ends or a signal comes. It returns an error
// if the node could not start or could not go on.
//
// While the node stops, a second signal ends the process at once, as it does by
// default. That is safe, since a node may be killed at any time.
func run(ctx context.Context, cfg serve.Config, seams serve.Seams) error {
	ctx, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer restore()
	serve.RelaxGC()
	logStart(cfg)
	node, err := serve.Start(ctx, cfg, seams)
	if err != nil {
		return withRemedy(err)
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
	return withRemedy(failure)
}

// logStart logs the versions and the addresses of the server.
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

// Observer watches a node through its seams. Its methods are called one after the
// other.
type Observer interface {
	// AddFlags adds the observer's flags to the command's. NewServeCommand calls
	// it once.
	AddFlags(fs *pflag.FlagSet)
	// Seams returns the seams for a node with that configuration. It is called
	// once per run, after the flags have been parsed and before the node opens
	// anything. debugURL is the address of the debug pages, empty if there are
	// none. The observer may print to out, for people to read.
	Seams(cfg serve.Config, debugURL string, out io.Writer) (serve.Seams, error)
	// Close sends what the observer still holds, until ctx ends. It is called once
	// per run: when the node has stopped, when it could not start, and when Seams
	// has returned an error.
	Close(ctx context.Context) error
}
