// Package hold has the command `glasskv hold` and its subcommands, which hold requests
// of a running server where a stage begins and print what is held.
//
//	command.go  the commands
//	render.go   what they print: one request that is held, or the list of all
//
// The server does the work: see packages control and seam. What is printed came over
// HTTP and may contain text that a client chose, so it is escaped.
package hold

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"glasskv/server/control"
	"glasskv/trace/endpoint"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/show"
)

// askTimeout bounds a call of the server, in addition to the time that the server is
// asked to wait.
const askTimeout = 10 * time.Second

// stepWait is how long `hold step` waits for the request to be held again, so that it
// is in the list that is printed. The request may also end without being held.
const stepWait = time.Second

// Flags are the flags of every command that steers a server.
type Flags struct {
	Endpoint string // the server's trace endpoint
	Show     *show.Flags
}

// AddFlags declares --endpoint and the flags of f.Show.
func (f *Flags) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&f.Endpoint, "endpoint", endpoint.DefaultTraceURL, "the server's trace endpoint, its --listen-trace-url")
	f.Show.AddFlags(fs)
}

// Ask calls do with the Controller of the server at f.Endpoint. The call may take ten
// seconds in addition to wait. If no server listens there, the error says how to start
// one.
func Ask[T any](ctx context.Context, f *Flags, wait time.Duration, do func(context.Context, control.Controller) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout+wait)
	defer cancel()
	out, err := do(ctx, &control.Client{Base: f.Endpoint})
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = fmt.Errorf("%w; start a server with `glasskv serve --control`, or name its trace endpoint with --endpoint", err)
	}
	return out, err
}

// NewCommand returns `glasskv hold` with its subcommands.
func NewCommand() *cobra.Command {
	f := &Flags{Show: show.New()}
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "hold",
		Short: "Hold requests of a running server where a stage begins, and look at them",
		Long: "Hold requests of a running server where a stage begins, look at what surrounds them, and let\n" +
			"them go on, one stage at a time if you like. The server must have been started with --control, or\n" +
			"with --break STAGE. Without a subcommand, lists the breakpoints and the requests that are held.",
		Example: "  glasskv serve --control\n  glasskv hold break raft.propose --key-prefix /orders/\n" +
			"  glasskv hold show 1\n  glasskv hold step 1\n  glasskv hold continue --all",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < 0 {
				return fmt.Errorf("--wait %v: use a time above zero", wait)
			}
			return f.changed(cmd, wait, func(ctx context.Context, c control.Controller) (control.State, error) { return c.State(ctx, wait) })
		},
	}
	f.AddFlags(cmd.PersistentFlags())
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait until a request is held, but no longer than this; at most 30s")
	cmd.AddCommand(f.newBreak(), f.newShow(), f.newStep(), f.newContinue(), f.newClear())
	return cmd
}

func (f *Flags) newBreak() *cobra.Command {
	b := control.Break{}
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:               "break STAGE",
		Short:             "Set a breakpoint: requests are held where the stage begins",
		Long:              "Set a breakpoint on a stage. It replaces the stage's breakpoint, if there is one. `glasskv stages`\nmarks the stages that can be held.",
		Example:           "  glasskv hold break raft.propose\n  glasskv hold break wal.save --key-prefix /orders/ --once",
		Args:              One("break takes one stage, such as raft.propose; `glasskv stages` lists them"),
		ValidArgsFunction: completeHoldable,
		RunE: func(cmd *cobra.Command, args []string) error {
			b.Stage, b.Timeout = args[0], control.Duration(timeout)
			return f.changed(cmd, 0, func(ctx context.Context, c control.Controller) (control.State, error) { return c.SetBreak(ctx, b) })
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&b.KeyPrefix, "key-prefix", "", "only requests whose key begins with this")
	cmd.Flags().StringVar(&b.Method, "method", "", "only requests of this method, such as Put")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "the longest time that a request is held (default: the server's --hold-timeout)")
	cmd.Flags().BoolVar(&b.Once, "once", false, "remove the breakpoint after it has held one request")
	return cmd
}

// completeHoldable completes the names of the stages that can be held.
func completeHoldable(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	for _, spec := range stages.Specs() {
		if spec.Hold != "" && len(args) == 0 {
			all = append(all, cobra.CompletionWithDesc(spec.Name, chapter.TextOf(spec.Stage, lang.EN).Note))
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

func (f *Flags) newShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a request that is held: its timeline so far, goroutines, raft, the end of the log, queues",
		Args:  One("show takes the number of a hold; `glasskv hold` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			report, err := Ask(cmd.Context(), f, 0, func(ctx context.Context, c control.Controller) (*control.Report, error) { return c.Hold(ctx, id) })
			if err != nil {
				return err
			}
			return Printer{f.Show}.PrintHold(cmd.OutOrStdout(), report, f.Endpoint, false)
		},
	}
}

func (f *Flags) newStep() *cobra.Command {
	return &cobra.Command{
		Use:   "step ID",
		Short: "Let a held request go on, and hold it at the next stage that it reaches",
		Args:  One("step takes the number of a hold; `glasskv hold` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			return f.changed(cmd, stepWait, func(ctx context.Context, c control.Controller) (control.State, error) {
				if st, err := c.Step(ctx, id); err != nil {
					return st, err
				}
				return c.State(ctx, stepWait)
			})
		},
	}
}

func (f *Flags) newContinue() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "continue ID | --all",
		Short: "Let a held request go on",
		Args:  OneOrAll(&all, "continue takes the number of a hold, or --all"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			id := 0
			if !all {
				if id, err = number(args[0]); err != nil {
					return err
				}
			}
			return f.changed(cmd, 0, func(ctx context.Context, c control.Controller) (control.State, error) { return c.Continue(ctx, id) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all requests that are held")
	return cmd
}

func (f *Flags) newClear() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "clear STAGE | --all",
		Short: "Remove a breakpoint; requests that are held stay held",
		Args:  OneOrAll(&all, "clear takes a stage, or --all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			stage := ""
			if !all {
				stage = args[0]
			}
			return f.changed(cmd, 0, func(ctx context.Context, c control.Controller) (control.State, error) {
				return c.ClearBreak(ctx, stage)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all breakpoints")
	return cmd
}

// changed calls do and prints the state that it returns.
func (f *Flags) changed(cmd *cobra.Command, wait time.Duration, do func(context.Context, control.Controller) (control.State, error)) error {
	st, err := Ask(cmd.Context(), f, wait, do)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if f.Show.JSON() {
		return WriteJSON(w, st)
	}
	return printList(w, st, Options{Options: f.Show.Screen(w)})
}

// One accepts one argument. Otherwise the error says usage.
func One(usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return errors.New(usage)
		}
		return nil
	}
}

// OneOrAll accepts either one argument or the flag --all, which all points to. Otherwise
// the error says usage.
func OneOrAll(all *bool, usage string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if *all == (len(args) == 1) || len(args) > 1 {
			return errors.New(usage)
		}
		return nil
	}
}

// number parses the ID of a hold.
func number(text string) (int, error) {
	id, err := strconv.Atoi(text)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is no number of a hold; `glasskv hold` lists them", text)
	}
	return id, nil
}
