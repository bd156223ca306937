// Package hold shows requests that are held where a stage begins, and holds the
// commands that steer a running server: `glasskv hold` and those below it.
//
//	command.go  the commands
//	render.go   what they print: one request that is held, or the list of all
//
// The server does the work: see control, and seam in the server. Whatever is
// shown came over HTTP and may quote a client, so it is escaped.
package hold

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	servercommand "glasskv/server/command"
	"glasskv/server/control"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/show"
)

// askTimeout bounds a question to a server, beside the time that it was asked to
// wait.
const askTimeout = 10 * time.Second

// stepWait is how long a step is given to reach the next stage, so that one sees it
// held there. The request may also have ended.
const stepWait = time.Second

// flags are those that all commands have.
type flags struct {
	endpoint string
	show     *show.Flags
}

// NewCommand returns `glasskv hold`, with the commands below it.
func NewCommand() *cobra.Command {
	f := &flags{show: show.New()}
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "hold",
		Short: "Hold requests of a running server where a stage begins, and look at them",
		Long: "Hold requests of a running server where a stage begins, look at what surrounds them, and have\n" +
			"them go on, a stage at a time if you like. The server must have been started with --control, or\n" +
			"with --break STAGE. Without a command below it, tells which breakpoints are set and who is held.",
		Example: "  glasskv serve --control\n  glasskv hold break raft.propose --key-prefix /orders/\n" +
			"  glasskv hold show 1\n  glasskv hold step 1\n  glasskv hold continue --all",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < 0 {
				return fmt.Errorf("--wait %v: use a time above zero", wait)
			}
			return f.changed(cmd, wait, func(ctx context.Context, c *control.Client) (control.State, error) { return c.State(ctx, wait) })
		},
	}
	fs := cmd.PersistentFlags()
	fs.StringVar(&f.endpoint, "endpoint", servercommand.DefaultTraceURL, "the server's trace endpoint, its --listen-trace-url")
	f.show.AddFlags(fs)
	cmd.Flags().DurationVar(&wait, "wait", 0, "wait so long until a request is held, 30s at most")
	cmd.AddCommand(f.newBreak(), f.newShow(), f.newStep(), f.newContinue(), f.newClear())
	return cmd
}

func (f *flags) newBreak() *cobra.Command {
	b := control.Break{}
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:               "break STAGE",
		Short:             "Set a breakpoint: requests are held where the stage begins",
		Long:              "Set a breakpoint on a stage, in place of the one that is there. `glasskv stages` marks the stages\nthat can be held.",
		Example:           "  glasskv hold break raft.propose\n  glasskv hold break wal.save --key-prefix /orders/ --once",
		Args:              exactly(1, "break takes one stage, such as raft.propose; `glasskv stages` lists them"),
		ValidArgsFunction: completeHoldable,
		RunE: func(cmd *cobra.Command, args []string) error {
			b.Stage, b.Timeout = args[0], control.Duration(timeout)
			return f.changed(cmd, 0, func(ctx context.Context, c *control.Client) (control.State, error) { return c.SetBreak(ctx, b) })
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&b.KeyPrefix, "key-prefix", "", "only requests whose key begins so")
	cmd.Flags().StringVar(&b.Method, "method", "", "only requests of this method, such as Put")
	cmd.Flags().DurationVar(&timeout, "timeout", 0, "the longest time that a request is held (default: the server's --hold-timeout)")
	cmd.Flags().BoolVar(&b.Once, "once", false, "remove the breakpoint when it has held one request")
	return cmd
}

// completeHoldable offers the stages that can be held to the shell.
func completeHoldable(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var all []cobra.Completion
	for _, spec := range stages.Specs() {
		if spec.Hold != "" && len(args) == 0 {
			all = append(all, cobra.CompletionWithDesc(spec.Name, chapter.TextOf(spec.Stage, lang.EN).Note))
		}
	}
	return all, cobra.ShellCompDirectiveNoFileComp
}

func (f *flags) newShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a request that is held: its timeline so far, goroutines, raft, the log's end, queues",
		Args:  exactly(1, "show takes the number of a hold; `glasskv hold` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			return f.showHold(cmd, id)
		},
	}
}

// showHold writes what there is to see of a request that is held.
func (f *flags) showHold(cmd *cobra.Command, id int) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout)
	defer cancel()
	report, err := (&control.Client{Base: f.endpoint}).Hold(ctx, id)
	if err != nil {
		return WayOut(err)
	}
	return Printer{f.show}.PrintHold(cmd.OutOrStdout(), report, f.endpoint, false)
}

func (f *flags) newStep() *cobra.Command {
	return &cobra.Command{
		Use:   "step ID",
		Short: "Let a held request go on to the next stage that it reaches, and hold it there",
		Args:  exactly(1, "step takes the number of a hold; `glasskv hold` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			return f.changed(cmd, stepWait, func(ctx context.Context, c *control.Client) (control.State, error) {
				if st, err := c.Step(ctx, id); err != nil {
					return st, err
				}
				return c.State(ctx, stepWait)
			})
		},
	}
}

func (f *flags) newContinue() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "continue ID | --all",
		Short: "Let a held request go on",
		Args:  oneOrAll(&all, "continue takes the number of a hold, or --all"),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			id := 0
			if !all {
				if id, err = number(args[0]); err != nil {
					return err
				}
			}
			return f.changed(cmd, 0, func(ctx context.Context, c *control.Client) (control.State, error) { return c.Continue(ctx, id) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all that are held")
	return cmd
}

func (f *flags) newClear() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "clear STAGE | --all",
		Short: "Remove a breakpoint; who is held stays held",
		Args:  oneOrAll(&all, "clear takes a stage, or --all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			stage := ""
			if !all {
				stage = args[0]
			}
			return f.changed(cmd, 0, func(ctx context.Context, c *control.Client) (control.State, error) { return c.ClearBreak(ctx, stage) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all breakpoints")
	return cmd
}

// changed does something, and shows what is set and who is held then.
func (f *flags) changed(cmd *cobra.Command, wait time.Duration, do func(context.Context, *control.Client) (control.State, error)) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout+wait)
	defer cancel()
	st, err := do(ctx, &control.Client{Base: f.endpoint})
	if err != nil {
		return WayOut(err)
	}
	w := cmd.OutOrStdout()
	if f.show.JSON() {
		return writeJSON(w, st)
	}
	return List(w, st, Options{Options: f.show.Screen(w)})
}

func exactly(n int, otherwise string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return errors.New(otherwise)
		}
		return nil
	}
}

// oneOrAll takes one argument, or the flag in its place.
func oneOrAll(all *bool, otherwise string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if *all == (len(args) == 1) || len(args) > 1 {
			return errors.New(otherwise)
		}
		return nil
	}
}

func number(text string) (int, error) {
	id, err := strconv.Atoi(text)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%q is no number of a hold; `glasskv hold` lists them", text)
	}
	return id, nil
}

// WayOut adds to an error of a control.Client what its user can do about it.
func WayOut(err error) error {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w; start a server with `glasskv serve --control`, or name its trace endpoint with --endpoint", err)
	}
	return err
}
