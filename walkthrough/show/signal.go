package show

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// UntilSignal runs a command so that it tidies up when it is interrupted, and also
// when nobody reads on: `glasskv demo | head` would otherwise end the process in the
// middle of a write, and leave the data of its server behind. That somebody does not
// read on is no error. An interrupted command's error says that what, such as "the
// demo", was stopped. A second signal ends the process as usual.
func UntilSignal(ctx context.Context, what string, run func(context.Context) error) error {
	// The signal of a broken pipe is taken and not looked at, for it also comes of a
	// connection whose other side is gone; what counts is whether the command's own
	// output could be written.
	brokenPipe := make(chan os.Signal, 1)
	signal.Notify(brokenPipe, syscall.SIGPIPE)
	defer signal.Stop(brokenPipe)
	signalled, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer restore()
	defer context.AfterFunc(signalled, restore)()
	err := run(signalled)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case err != nil && signalled.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("%s was stopped: %w", what, context.Cause(signalled))
	}
	return err
}
