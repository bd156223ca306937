package command

import (
	"context"
	"io"

	"github.com/spf13/pflag"

	"glasskv/server/serve"
)

// Observer is what watches a node through its seams. The server knows no more
// about it than this.
type Observer interface {
	// AddFlags adds the observer's own flags to the command's. It is called
	// once, by NewServeCommand.
	AddFlags(fs *pflag.FlagSet)
	// Seams is called once per run, after the flags have been read and before
	// anything is opened. The configuration tells the node's name and its log;
	// debugURL is where the debug pages are, or empty, and out where the observer
	// may print for people to read. After an error only Close is called.
	Seams(cfg serve.Config, debugURL string, out io.Writer) (serve.Seams, error)
	// Close is called when the node has stopped, or could not be started, and
	// when Seams returned an error, for it may have begun things by then. It
	// sends out what is still held, until ctx ends.
	Close(ctx context.Context) error
}
