package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"glasskv/trace"
	"glasskv/walkthrough/guide"
	"glasskv/walkthrough/show"
)

// ExplainOptions say which stage is explained, and how.
type ExplainOptions struct {
	Stage  string
	Source bool // show upstream's function itself, from this disk
	Show   *show.Flags
}

// NewExplainCommand returns `glasskv explain`.
func NewExplainCommand() *cobra.Command {
	o := ExplainOptions{Show: show.New()}
	cmd := prepare(&cobra.Command{
		Use:   "explain STAGE",
		Short: "Explain one stage: what it is, how it is seen, what makes it slow",
		Long: "Explain one stage in a screenful: what it is, which upstream function does it and where that\n" +
			"stands on this disk, how GlassKV sees it and how exactly, what makes it slow, what to do about\n" +
			"it, and what to read next. `glasskv stages` lists the stages.",
		Example: "  glasskv explain wal.sync\n  glasskv explain wal.sync --source | less",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("explain takes one stage; `glasskv stages` lists them")
			}
			return nil
		},
		ValidArgsFunction: completeStage,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Stage = args[0]
			return Explain(cmd.OutOrStdout(), o)
		},
	})
	cmd.Flags().BoolVar(&o.Source, "source", false, "show the upstream function's source, read from this disk's module cache")
	o.Show.AddFlags(cmd.Flags())
	return cmd
}

// completeStage offers the stages to the shell, with what happens in each.
func completeStage(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, spec := range trace.Specs() {
		if strings.HasPrefix(spec.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(spec.Name, spec.EN.Note))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// Explain writes the page about a stage. An unknown stage is an error that
// names those that come near.
func Explain(w io.Writer, o ExplainOptions) error {
	stage, known := trace.StageByName(o.Stage)
	if !known {
		return unknownStage(o.Stage)
	}
	spec, library := trace.SpecOf(stage), guide.NewLibrary()
	switch {
	case o.Source:
		return writeSource(w, spec, library)
	case o.Show.JSON():
		return guide.WriteJSON(w, spec, library, o.Show.Lang())
	}
	return guide.Page(w, spec, library, o.Show.Screen(w))
}

func unknownStage(name string) error {
	near := guide.Nearest(name)
	if len(near) == 0 {
		return fmt.Errorf("no stage is called %q; `glasskv stages` lists them", name)
	}
	return fmt.Errorf("no stage is called %q; did you mean %s?", name, strings.Join(near, " or "))
}

// writeSource shows the function where it stands, on the reader's own disk.
func writeSource(w io.Writer, spec *trace.Spec, library *guide.Library) error {
	source := library.Find(spec.Upstream)
	switch {
	case source.Missing != "":
		return fmt.Errorf("the source of %s is not on this disk; get it with `%s`", source.Module, source.Missing)
	case source.File == "":
		return fmt.Errorf("this binary does not know its version of %s; build it with the go command", source.Module)
	}
	lines, err := source.Text()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s:%d\n%s\n", source.File, source.Line, strings.Join(lines, "\n"))
	return err
}
