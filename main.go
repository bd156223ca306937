// Command glasskv is a key-value server with glass walls: it speaks etcd's v3
// API and shows for every request where its time went.
//
// This file joins the commands; each of them stands in the package that it
// belongs to.
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

// The groups of the help, in the order in which one meets the commands.
const (
	groupServer = "server"
	groupKeys   = "keys"
	groupLook   = "look"
)

func newRootCommand() *cobra.Command {
	cobra.EnableCommandSorting = false // they are in the order of their use
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
		&cobra.Group{ID: groupKeys, Title: "Talk to one, as etcdctl does:"},
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
	return root
}

func join(root *cobra.Command, group string, cmds ...*cobra.Command) {
	for _, cmd := range cmds {
		cmd.GroupID = group
		root.AddCommand(cmd)
	}
}

// oneLine keeps an error on a line that joins several, or makes a suggestion on
// lines of its own.
func oneLine(err error) string {
	var out strings.Builder
	for line := range strings.Lines(err.Error()) {
		switch line = strings.TrimSpace(line); {
		case line == "":
			continue
		case strings.HasSuffix(out.String(), "?"):
			out.WriteString(" ")
		case out.Len() > 0:
			out.WriteString("; ")
		}
		out.WriteString(line)
	}
	return out.String()
}

// version tells what this program was built from.
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
