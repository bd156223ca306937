// Command glasskv is a key-value server with glass walls: it speaks etcd's v3
// API and shows for every request where its time went.
//
// This file assembles the commands. Each is defined in a package below.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	servercommand "glasskv/server/command"
	"glasskv/walkthrough/command"
	"glasskv/walkthrough/ctl"
	"glasskv/walkthrough/demo"
	"glasskv/walkthrough/fault"
	"glasskv/walkthrough/hold"
	"glasskv/walkthrough/lesson"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/walk"
)

func main() {
	if err := newRootCommand().ExecuteContext(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "glasskv: %s\n", oneLine(err))
		os.Exit(1)
	}
}

// The groups of commands in the help, in the order of a first use.
const (
	groupServer = "server"
	groupKeys   = "keys"
	groupLook   = "look"
)

func newRootCommand() *cobra.Command {
	cobra.EnableCommandSorting = false // keep the order of the calls below
	root := &cobra.Command{
		Use:   "glasskv",
		Short: "A key-value server with glass walls",
		Long: "GlassKV is a key-value server with glass walls: it speaks etcd's v3 API and shows\n" +
			"for every request where its time went. To see it, run `glasskv demo`.",
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version(),
	}
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	root.AddGroup(
		&cobra.Group{ID: groupServer, Title: "Run a server:"},
		&cobra.Group{ID: groupKeys, Title: "Talk to a server, as etcdctl does:"},
		&cobra.Group{ID: groupLook, Title: "Look inside:"},
	)
	join(root, groupServer, servercommand.NewServeCommand(servercommand.Options{
		Observer: servercommand.NewTracing(hold.Printer{Flags: show.New()}),
	}))
	join(root, groupKeys, ctl.NewCommands()...)
	join(root, groupLook, demo.NewCommand())
	join(root, groupLook, walk.NewCommand())
	join(root, groupLook, lesson.NewCommand())
	join(root, groupLook, command.New()...)
	join(root, groupLook, hold.NewCommand())
	join(root, groupLook, fault.NewCommand())
	suggestOnWrongArgs(root)
	return root
}

func join(root *cobra.Command, group string, cmds ...*cobra.Command) {
	for _, cmd := range cmds {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
}

// suggestOnWrongArgs makes cmd and its subcommands add a suggestion to the error about
// arguments that they do not accept: a similar command, or --help.
func suggestOnWrongArgs(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		suggestOnWrongArgs(sub)
	}
	check := cmd.Args
	if check == nil {
		if !cmd.HasSubCommands() {
			return // RunE checks the arguments itself
		}
		check = cobra.NoArgs
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if err == nil {
			return nil
		}
		if len(args) > 0 {
			if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
				return fmt.Errorf("%w; did you mean %s?", err, strings.Join(meant, " or "))
			}
		}
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	}
}

// oneLine returns the text of an error on one line: the lines of joined errors are
// separated by "; ".
func oneLine(err error) string {
	var out strings.Builder
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if out.Len() > 0 {
			out.WriteString("; ")
		}
		out.WriteString(line)
	}
	return out.String()
}

// version returns the module version or VCS revision that this program was built
// from, and the version of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value[:min(12, len(s.Value))]
		}
	}
	if v == "" {
		v = "(devel)"
	}
	return fmt.Sprintf("%s, %s", v, info.GoVersion)
}
