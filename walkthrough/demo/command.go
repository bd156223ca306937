package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/show"
)

// NewCommand returns `glasskv demo`.
func NewCommand() *cobra.Command {
	var list bool
	o := Options{Show: show.New()}
	cmd := &cobra.Command{
		Use:   "demo [NAME]",
		Short: "Start a server, send it requests, and show where their time went",
		Long: "Start a server in this process, on free ports and a real disk, send it requests as a\n" +
			"gRPC client, and show each one's timeline. Everything is removed at the end.\n\n" +
			"With NAME it plays one scene only, or one branch of grpc-go's server path, on a server of\n" +
			"its own; --list lists all names.",
		Example: "  glasskv demo\n  glasskv demo flow-control\n  glasskv demo --only shared --lang zh\n  glasskv demo --output json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if list {
				return writeList(cmd.OutOrStdout(), o.Show)
			}
			if len(args) == 1 {
				if o.Only != "" {
					return errors.New("name the scene once: as NAME or with --only")
				}
				o.Only = args[0]
			}
			if err := checkScene(o.Only); err != nil {
				return err
			}
			o.Log = FailureLog(cmd.ErrOrStderr())
			return show.UntilSignal(cmd.Context(), "the demo", func(ctx context.Context) error {
				return Run(ctx, cmd.OutOrStdout(), o)
			})
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&o.Only, "only", "", "the same as NAME")
	cmd.Flags().BoolVar(&list, "list", false, "list the scenes and the branches")
	o.Show.AddFlags(cmd.Flags())
	cmd.ValidArgsFunction = completeName
	_ = cmd.RegisterFlagCompletionFunc("only", completeName)
	return cmd
}

// completeName offers the scenes and branches to the shell.
func completeName(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return append(sceneNames(), branchNames()...), cobra.ShellCompDirectiveNoFileComp
}

func sceneNames() []string {
	var names []string
	for _, s := range scenes {
		names = append(names, s.name)
	}
	return append(names, sceneTable)
}

// checkScene returns an error if there is no scene or branch of that name.
func checkScene(name string) error {
	if name == "" || slices.Contains(sceneNames(), name) || slices.Contains(branchNames(), name) {
		return nil
	}
	return fmt.Errorf("no scene %q, use one of %s, or a branch that --list names", name, strings.Join(sceneNames(), ", "))
}

func branchNames() []string {
	var names []string
	for _, b := range branch.All() {
		names = append(names, b.Name)
	}
	return names
}

// writeList prints the scenes with their introductions, and the branches with
// their titles.
func writeList(w io.Writer, f *show.Flags) error {
	l := f.Lang()
	o := f.Screen(w)
	out, columns := screen.NewWriter(w, o), o.Columns(w)
	item := func(name, text string) {
		name = screen.Left(name, nameColumns)
		for _, line := range screen.Wrap(text, columns-nameColumns-2) {
			out.Line("  ", name, screen.Dim.Paint(line))
			name = screen.Blank(nameColumns)
		}
	}
	out.Line(screen.Strong.Paint(l.Pick("The tour, which `glasskv demo` plays as a whole", "导览：`glasskv demo` 会全部演示一遍")))
	for _, s := range scenes {
		item(s.name, s.intro(l, nil))
	}
	item(sceneTable, introduceTable(l))
	out.Line()
	out.Line(screen.Strong.Paint(l.Pick("The branches of the path, each alone: `glasskv demo NAME`", "路径上的各个分支，逐个演示：`glasskv demo 名字`")))
	for _, b := range branch.All() {
		item(b.Name, b.In(l).Title)
	}
	return out.Close()
}

// nameColumns is the width of the names in the list.
const nameColumns = 25
