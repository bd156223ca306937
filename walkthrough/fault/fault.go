// Package fault holds the commands that have things go wrong on purpose in a running
// server: `glasskv fault` and those below it.
//
// The server does the work: see control, and seam in the server.
package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	servercommand "glasskv/server/command"
	"glasskv/server/control"
	"glasskv/walkthrough/hold"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
)

// askTimeout bounds a question to a server.
const askTimeout = 10 * time.Second

// flags are those that all commands have.
type flags struct {
	endpoint string
	show     *show.Flags
}

// NewCommand returns `glasskv fault`, with the commands below it.
func NewCommand() *cobra.Command {
	f := &flags{show: show.New()}
	cmd := &cobra.Command{
		Use:   "fault",
		Short: "Have something go wrong on purpose in a running server: a slow fsync, a busy processor …",
		Long: "Have something go wrong on purpose in a running server, and see in the timelines what it does.\n" +
			"A fault only makes requests wait: nothing is lost, and nothing is acknowledged early. The server\n" +
			"must have been started with --control, or with --fault. Without a command below it, lists all\n" +
			"faults and which are on.",
		Example: "  glasskv serve --control\n  glasskv fault set slow-fsync --delay 50ms --for 30s\n" +
			"  glasskv fault set slow-handler --delay 'uniform(10ms,80ms)' --probability 0.1\n" +
			"  glasskv fault set full-quota --streams 1\n  glasskv fault clear --all",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.ask(cmd, every, func(ctx context.Context, c *control.Client) ([]control.Fault, error) { return c.Faults(ctx) })
		},
	}
	fs := cmd.PersistentFlags()
	fs.StringVar(&f.endpoint, "endpoint", servercommand.DefaultTraceURL, "the server's trace endpoint, its --listen-trace-url")
	f.show.AddFlags(fs)
	cmd.AddCommand(f.newSet(), f.newClear())
	return cmd
}

func (f *flags) newSet() *cobra.Command {
	var what control.Fault
	var during time.Duration
	cmd := &cobra.Command{
		Use:     "set NAME",
		Short:   "Switch a fault on, or change it",
		Example: "  glasskv fault set slow-fsync --delay 'exp(20ms)'\n  glasskv fault set busy-processor --goroutines 4",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("set takes one fault, such as slow-fsync; `glasskv fault` lists them")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			what.Name, what.On, what.For = args[0], true, control.Duration(during)
			return f.ask(cmd, isOn, func(ctx context.Context, c *control.Client) ([]control.Fault, error) { return c.SetFault(ctx, what) })
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&what.Delay, "delay", "", "how long: 50ms, uniform(10ms,80ms), normal(40ms,10ms) or exp(20ms); 10s at most")
	fs.Float64Var(&what.Probability, "probability", 0, "how often, above 0 and not above 1 (default: always)")
	fs.IntVar(&what.Streams, "streams", 0, "of full-quota: how many requests of a connection are handled at once")
	fs.IntVar(&what.Bytes, "bytes", 0, "of small-window: how much of a request may be sent at once")
	fs.IntVar(&what.Goroutines, "goroutines", 0, "of busy-processor: how many compute")
	fs.DurationVar(&during, "for", 0, "end it by itself after this time")
	return cmd
}

func (f *flags) newClear() *cobra.Command {
	all := false
	cmd := &cobra.Command{
		Use:   "clear NAME | --all",
		Short: "Switch a fault off; who waits for it goes on",
		Args: func(_ *cobra.Command, args []string) error {
			if all == (len(args) == 1) || len(args) > 1 {
				return errors.New("clear takes a fault, or --all")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if !all {
				name = args[0]
			}
			return f.ask(cmd, isOn, func(ctx context.Context, c *control.Client) ([]control.Fault, error) { return c.ClearFault(ctx, name) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "all faults")
	return cmd
}

// every and isOn say which faults people are shown: all of them, or after a change
// those that are on.
func every(control.Fault) bool  { return true }
func isOn(f control.Fault) bool { return f.On }

// ask asks a server for something, and shows its faults as they are then. Programs are
// given all of them.
func (f *flags) ask(cmd *cobra.Command, shown func(control.Fault) bool, do func(context.Context, *control.Client) ([]control.Fault, error)) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), askTimeout)
	defer cancel()
	all, err := do(ctx, &control.Client{Base: f.endpoint})
	if err != nil {
		return hold.WayOut(err)
	}
	w := cmd.OutOrStdout()
	if f.show.JSON() {
		return writeJSON(w, all)
	}
	all = slices.DeleteFunc(all, func(f control.Fault) bool { return !shown(f) })
	return List(w, all, f.show.Screen(w))
}

// writeJSON writes an object a line, a fault each.
func writeJSON(w io.Writer, all []control.Fault) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range all {
		if err := enc.Encode(all[i]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// The columns in front of what a fault does.
const (
	markColumns = 2
	nameColumns = 16
)

// List writes faults with what they do, and how those are set that are on.
func List(w io.Writer, all []control.Fault, o screen.Options) error {
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

// setting says how a fault is set, and what it has done.
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
	if f.Struck > 0 && f.Goroutines == 0 { // who computes all the time strikes all the time
		parts = append(parts, l.Say("struck so far: %d", "至今 %d 次", f.Struck))
	}
	if until, err := time.Parse(time.RFC3339, f.Until); err == nil {
		parts = append(parts, l.Say("until %s", "到 %s 为止", until.Local().Format(time.TimeOnly)))
	}
	return strings.Join(parts, " · ")
}

// summary says what can be done next.
func summary(l lang.Lang, on int) string {
	if on == 0 {
		return l.Pick("No fault is on. Switch one on: glasskv fault set slow-fsync --delay 50ms",
			"没有打开的故障。打开一个：glasskv fault set slow-fsync --delay 50ms")
	}
	return l.Pick("Switch it off: glasskv fault clear --all", "关闭：glasskv fault clear --all")
}
