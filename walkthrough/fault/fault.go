// Package fault has the command `glasskv fault` and its subcommands, which make things
// go wrong on purpose in a running server.
//
// The server does the work: see packages control and seam.
package fault

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"glasskv/server/control"
	"glasskv/walkthrough/hold"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
)

// NewCommand returns `glasskv fault` with its subcommands.
func NewCommand() *cobra.Command {
	f := &hold.Flags{Show: show.New()}
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Make something go wrong on purpose in a running server: a slow fsync, a busy processor …",
		Long: "Make something go wrong on purpose in a running server, and see its effect in the timelines.\n" +
			"A fault only makes requests wait: nothing is lost, and nothing is acknowledged early. The server\n" +
			"must have been started with --control, or with --fault. Without a subcommand, lists all faults\n" +
			"and which are on.",
		Example: "  glasskv serve --control\n  glasskv fault set slow-fsync --delay 50ms --for 30s\n" +
			"  glasskv fault set slow-handler --delay 'uniform(10ms,80ms)' --probability 0.1\n" +
			"  glasskv fault set full-quota --streams 1\n  glasskv fault clear --all",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(cmd, f, true, func(ctx context.Context, c control.Controller) ([]control.Fault, error) { return c.Faults(ctx) })
		},
	}
	f.AddFlags(cmd.PersistentFlags())
	cmd.AddCommand(newSet(f), newClear(f))
	return cmd
}

func newSet(f *hold.Flags) *cobra.Command {
	var fault control.Fault
	var duration time.Duration
	cmd := &cobra.Command{
		Use:     "set NAME",
		Short:   "Switch a fault on, or change it",
		Example: "  glasskv fault set slow-fsync --delay 'exp(20ms)'\n  glasskv fault set busy-processor --goroutines 4",
		Args:    hold.One("set takes one fault, such as slow-fsync; `glasskv fault` lists them"),
		RunE: func(cmd *cobra.Command, args []string) error {
			fault.Name, fault.On, fault.For = args[0], true, control.Duration(duration)
			return ask(cmd, f, false, func(ctx context.Context, c control.Controller) ([]control.Fault, error) {
				return c.SetFault(ctx, fault)
			})
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&fault.Delay, "delay", "", "how long a request waits: 50ms, uniform(10ms,80ms), normal(40ms,10ms) or exp(20ms); 10s at most")
	fs.Float64Var(&fault.Probability, "probability", 0, "the probability that the fault strikes, above 0 and at most 1 (default 1)")
	fs.IntVar(&fault.Streams, "streams", 0, "for full-quota: how many requests of a connection are handled at once")
	fs.IntVar(&fault.Bytes, "bytes", 0, "for small-window: how many bytes of a request may be sent at once")
	fs.IntVar(&fault.Goroutines, "goroutines", 0, "for busy-processor: how many goroutines compute")
	fs.DurationVar(&duration, "for", 0, "switch the fault off after this time")
	return cmd
}

func newClear(f *hold.Flags) *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "clear NAME | --all",
		Short: "Switch a fault off; requests that wait for it go on",
		Args:  hold.OneOrAll(&all, "clear takes a fault, or --all"),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if !all {
				name = args[0]
			}
			return ask(cmd, f, false, func(ctx context.Context, c control.Controller) ([]control.Fault, error) {
				return c.ClearFault(ctx, name)
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all faults")
	return cmd
}

// ask calls do and prints the faults that it returns: as text without those that are
// off, unless off is true, or all of them as JSON, each in a line.
func ask(cmd *cobra.Command, f *hold.Flags, off bool, do func(context.Context, control.Controller) ([]control.Fault, error)) error {
	all, err := hold.Ask(cmd.Context(), f, 0, do)
	if err != nil {
		return err
	}
	w := cmd.OutOrStdout()
	if !f.Show.JSON() {
		all = slices.DeleteFunc(all, func(f control.Fault) bool { return !f.On && !off })
		return printList(w, all, f.Show.Screen(w))
	}
	for i := range all {
		if err := hold.WriteJSON(w, all[i]); err != nil {
			return err
		}
	}
	return nil
}

// The columns in front of the text about a fault.
const (
	markColumns = 2
	nameColumns = 16
)

// printList prints what each fault does and, if the fault is on, its parameters.
func printList(w io.Writer, all []control.Fault, o screen.Options) error {
	width := o.Columns(w)
	out := screen.NewWriter(w, o)
	on := 0
	for i := range all {
		f := &all[i]
		name := screen.Escape(f.Name)
		blank := screen.Blank(max(1, nameColumns-screen.Width(name)))
		mark, what := screen.Blank(markColumns), screen.Escape(o.Lang.Pick(f.EN, f.ZH))
		if f.On {
			on++
			mark, name = screen.Held.Paint("■ "), screen.Held.Paint(name)
		}
		lines := screen.Wrap(what, width-markColumns-nameColumns)
		if f.On {
			lines = append(lines, screen.Wrap(setting(o.Lang, f), width-markColumns-nameColumns)...)
		}
		for at, line := range lines {
			if at == 0 {
				out.Line(mark, name, blank, line)
				continue
			}
			out.Line(screen.Blank(markColumns+nameColumns), line)
		}
	}
	if len(all) > 0 {
		out.Line()
	}
	for _, line := range screen.Wrap(summary(o.Lang, on), width) {
		out.Line(line)
	}
	return out.Close()
}

// setting returns a fault's parameters, and how often it has struck.
func setting(l lang.Lang, f *control.Fault) string {
	parts := []string{l.Pick("ON", "已打开")}
	if f.Delay != "" {
		parts = append(parts, l.Say("delay %s", "延迟 %s", screen.Escape(f.Delay)))
	}
	if f.Probability != 0 && f.Probability != 1 {
		parts = append(parts, l.Say("probability %s", "概率 %s", strconv.FormatFloat(f.Probability, 'g', -1, 64)))
	}
	for _, counted := range []struct {
		n      int
		en, zh string
	}{
		{f.Streams, "%d at once", "同时 %d 个"},
		{f.Bytes, "%d bytes", "%d 字节"},
		{f.Goroutines, "%d goroutines", "%d 个 goroutine"},
	} {
		if counted.n != 0 {
			parts = append(parts, l.Say(counted.en, counted.zh, counted.n))
		}
	}
	if f.Struck > 0 && f.Goroutines == 0 { // a fault with goroutines, busy-processor, strikes all the time
		parts = append(parts, l.Say("struck so far: %d", "至今 %d 次", f.Struck))
	}
	if until, err := time.Parse(time.RFC3339, f.Until); err == nil {
		parts = append(parts, l.Say("until %s", "到 %s 为止", until.Local().Format(time.TimeOnly)))
	}
	return strings.Join(parts, " · ")
}

// summary says which command to type next.
func summary(l lang.Lang, on int) string {
	if on == 0 {
		return l.Pick("No fault is on. Switch one on: glasskv fault set slow-fsync --delay 50ms",
			"没有打开的故障。打开一个：glasskv fault set slow-fsync --delay 50ms")
	}
	return l.Pick("Switch it off: glasskv fault clear --all", "关闭：glasskv fault clear --all")
}
