// Package command holds the commands explain and stages, which show the catalogue, and
// timeline, which shows requests of a server or of a file.
//
// Each command has a constructor for the command line, an options struct, and a function
// that takes a writer. Errors are one line each and say what to do about them. The caller
// prints them and chooses the exit code.
package command

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"glasskv/trace/stages"
	"glasskv/walkthrough/branch"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/guide"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/show"
	"glasskv/walkthrough/source"
)

// ExplainOptions are the options of `glasskv explain`.
type ExplainOptions struct {
	Stage  string // the name of a stage or of a branch, or guide.DebugName
	Source bool   // show the source of the upstream function instead
	Show   *show.Flags
}

// NewExplainCommand returns `glasskv explain`.
func NewExplainCommand() *cobra.Command {
	o := ExplainOptions{Show: show.New()}
	cmd := prepare(&cobra.Command{
		Use:   "explain NAME",
		Short: "Explain one stage, or one branch of the path: what it is, and where its source is",
		Long: "Explain one stage in a screenful: what it is, which upstream function does it and where that\n" +
			"is on this disk, how GlassKV sees it and how exactly, what makes it slow, what to do about\n" +
			"it, and what to read next. `glasskv stages` lists the stages.\n\n" +
			"A branch of grpc-go's server path, such as flow-control, is explained as well: what happens,\n" +
			"what its client sees, what to look for. `glasskv demo --list` lists them. `glasskv explain debug`\n" +
			"says how a request looks on grpc-go's own debug pages.",
		Example: "  glasskv explain wal.sync\n  glasskv explain wal.sync --source | less\n  glasskv explain flow-control",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("explain takes one stage or branch; `glasskv stages` and `glasskv demo --list` list them")
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

// completeStage completes the name of a stage or branch for the shell.
func completeStage(_ *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, spec := range stages.Specs() {
		if strings.HasPrefix(spec.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(spec.Name, chapter.TextOf(spec.Stage, lang.EN).Note))
		}
	}
	for _, b := range branch.All() {
		if strings.HasPrefix(b.Name, prefix) {
			names = append(names, cobra.CompletionWithDesc(b.Name, b.In(lang.EN).Title))
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// Explain writes the page about a stage or a branch of the path. The error about an
// unknown name suggests similar ones.
func Explain(w io.Writer, o ExplainOptions) error {
	if b, ok := branch.Find(o.Stage); ok {
		return explainBranch(w, &b, o)
	}
	if o.Stage == guide.DebugName {
		if o.Show.JSON() {
			return guide.WriteDebugJSON(w, o.Show.Lang())
		}
		return guide.DebugPage(w, o.Show.Screen(w))
	}
	stage, known := stages.ByName(o.Stage)
	if !known {
		return unknownStage(o.Stage)
	}
	spec, library := stages.SpecOf(stage), source.NewLibrary()
	switch {
	case o.Source:
		return writeSource(w, spec.Upstream.Path(), library)
	case o.Show.JSON():
		return guide.WriteJSON(w, spec, library, o.Show.Lang())
	}
	return guide.Page(w, spec, library, o.Show.Screen(w))
}

// explainBranch writes the page about a branch, or the source of its first upstream
// function.
func explainBranch(w io.Writer, b *branch.Branch, o ExplainOptions) error {
	library := source.NewLibrary()
	switch {
	case o.Source:
		return writeSource(w, b.Upstream[0], library)
	case o.Show.JSON():
		return guide.WriteBranchJSON(w, b, o.Show.Lang())
	}
	return guide.BranchPage(w, b, library, o.Show.Screen(w))
}

func unknownStage(name string) error {
	near := guide.Nearest(name)
	if len(near) == 0 {
		return fmt.Errorf("no stage or branch is called %q; `glasskv stages` and `glasskv demo --list` list them", name)
	}
	return fmt.Errorf("no stage or branch is called %q; did you mean %s?", name, strings.Join(near, " or "))
}

// writeSource writes a function as it is on the reader's own disk, with file and lines.
func writeSource(w io.Writer, symbol string, library *source.Library) error {
	e, err := library.Excerpt(symbol, "")
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d\n", e.File, e.First)
	for _, line := range e.Lines {
		fmt.Fprintf(&b, "%5d  %s\n", line.Number, line.Text())
	}
	_, err = io.WriteString(w, b.String())
	return err
}

//go:generate go run ../.. stages --lang en --markdown ../../docs/stages.md

// StagesOptions are the options of `glasskv stages`.
type StagesOptions struct {
	Show     *show.Flags
	Markdown string // if not "", the file to write the reference to
}

// NewStagesCommand returns `glasskv stages`.
func NewStagesCommand() *cobra.Command {
	o := StagesOptions{Show: show.New()}
	cmd := prepare(&cobra.Command{
		Use:   "stages",
		Short: "Show all stages of a request as a tree",
		Long: "Show every stage that a timeline can show, as a tree: each below the stage that contains it, with\n" +
			"the kind of time it is, its scope (a request, a connection, or a batch of requests), and the\n" +
			"upstream function that does it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return Stages(cmd.OutOrStdout(), o) },
	})
	o.Show.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.Markdown, "markdown", "", "write the reference as Markdown into this file")
	// The flag is for go generate.
	if err := cmd.Flags().MarkHidden("markdown"); err != nil {
		panic(err) // the flag was declared a line above
	}
	return cmd
}

// Stages writes the catalogue: as a tree, as JSON, or as Markdown into a file.
func Stages(w io.Writer, o StagesOptions) error {
	switch {
	case o.Markdown != "":
		return writeReference(o)
	case !o.Show.JSON():
		return guide.Tree(w, o.Show.Screen(w))
	}
	for _, spec := range stages.Specs() {
		if err := guide.WriteJSON(w, spec, nil, o.Show.Lang()); err != nil {
			return err
		}
	}
	return nil
}

func writeReference(o StagesOptions) (err error) {
	f, err := os.Create(o.Markdown)
	if err != nil {
		return fmt.Errorf("write reference: %w", err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = fmt.Errorf("write reference: %w", closeErr)
		}
	}()
	return guide.Markdown(f, o.Show.Lang())
}

// New returns the commands of this package.
func New() []*cobra.Command {
	return []*cobra.Command{NewTimelineCommand(), NewExplainCommand(), NewStagesCommand()}
}

// prepare makes a command return its errors instead of printing them, without its usage.
func prepare(cmd *cobra.Command) *cobra.Command {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.Flags().SortFlags = false
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	return cmd
}
