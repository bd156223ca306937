// Package command holds the commands that look inside: explain and stages show
// the catalogue, timeline shows requests of a server or of a file.
//
// Each is a constructor for the command line, an options struct, and a plain
// function that takes a writer. Errors are returned, one line each, with what
// to do about them; the caller prints them and chooses the exit code.
package command

import (
	"fmt"

	"github.com/spf13/cobra"
)

// New returns the commands of this package.
func New() []*cobra.Command {
	return []*cobra.Command{NewTimelineCommand(), NewExplainCommand(), NewStagesCommand()}
}

// prepare leaves the printing of errors to the caller, and usage to --help.
func prepare(cmd *cobra.Command) *cobra.Command {
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.Flags().SortFlags = false
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	return cmd
}
