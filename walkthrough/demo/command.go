package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"glasskv/walkthrough/show"
)

// NewCommand returns `glasskv demo`.
func NewCommand() *cobra.Command {
	var list bool
	o := Options{Show: show.New()}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start a server, send it requests, and show where their time went",
		Long: "Start a server in this process, on free ports and a real disk, send it requests as a\n" +
			"gRPC client, and show each one's timeline. Everything is removed at the end.",
		Example: "  glasskv demo\n  glasskv demo --only shared --lang zh\n  glasskv demo --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				return writeList(cmd.OutOrStdout(), o.Show)
			}
			if err := checkScene(o.Only); err != nil {
				return err
			}
			o.Log = warnings(cmd.ErrOrStderr())
			return runUntilSignal(cmd, o)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.Only, "only", "", "show one scene: "+strings.Join(sceneNames(), ", "))
	cmd.Flags().BoolVar(&list, "list", false, "list the scenes")
	o.Show.AddFlags(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(sceneNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// runUntilSignal sees to it that the demo tidies up when it is interrupted, and
// also when nobody reads on: `glasskv demo | head` would end the process in the
// middle of a write otherwise.
func runUntilSignal(cmd *cobra.Command, o Options) error {
	ctx, restore := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer restore()
	// A second signal ends the process as usual.
	defer context.AfterFunc(ctx, restore)()
	err := Run(ctx, cmd.OutOrStdout(), o)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case ctx.Err() != nil && cmd.Context().Err() == nil:
		return fmt.Errorf("the demo was stopped: %w", context.Cause(ctx))
	}
	return err
}

func sceneNames() []string {
	var names []string
	for _, s := range scenes {
		names = append(names, s.name)
	}
	return append(names, sceneTable)
}

func checkScene(name string) error {
	if name != "" && !slices.Contains(sceneNames(), name) {
		return fmt.Errorf("no scene %q, use one of %s", name, strings.Join(sceneNames(), ", "))
	}
	return nil
}

// writeList prints the scenes' names and introductions.
func writeList(w io.Writer, f *show.Flags) error {
	l := f.Lang()
	for _, s := range scenes {
		if _, err := fmt.Fprintf(w, "%-8s  %s\n", s.name, s.intro(l, nil)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%-8s  %s\n", sceneTable, introduceTable(l))
	return err
}

// warnings returns a log that says only what is wrong: a server that works is
// silent in a demo.
func warnings(w io.Writer) *zap.Logger {
	cfg := zap.NewDevelopmentEncoderConfig()
	cfg.TimeKey, cfg.CallerKey = zapcore.OmitKey, zapcore.OmitKey
	return zap.New(zapcore.NewCore(zapcore.NewConsoleEncoder(cfg), zapcore.Lock(zapcore.AddSync(w)), zapcore.WarnLevel))
}
