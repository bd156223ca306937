package command

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"glasskv/trace/stages"
	"glasskv/walkthrough/guide"
	"glasskv/walkthrough/show"
)

//go:generate go run ../.. stages --lang en --markdown ../../docs/stages.md

// StagesOptions say how the catalogue is shown.
type StagesOptions struct {
	Show     *show.Flags
	Markdown string // a file to write the reference into, instead
}

// NewStagesCommand returns `glasskv stages`.
func NewStagesCommand() *cobra.Command {
	o := StagesOptions{Show: show.New()}
	cmd := prepare(&cobra.Command{
		Use:   "stages",
		Short: "Show all stages of a request as a tree",
		Long: "Show the catalogue: every stage that a timeline can show, below what it sits inside, with\n" +
			"what kind of time it is, whose work it is, and which upstream function does it.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return Stages(cmd.OutOrStdout(), o) },
	})
	o.Show.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.Markdown, "markdown", "", "write the reference as Markdown into this file")
	// It serves those who change the catalogue, not those who read it.
	if err := cmd.Flags().MarkHidden("markdown"); err != nil {
		panic(err) // the flag was declared a line above
	}
	return cmd
}

// Stages writes the catalogue.
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
