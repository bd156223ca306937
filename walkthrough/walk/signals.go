package walk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// untilSignal runs the walk so that it tidies up when it is interrupted, and also when
// nobody reads on: `glasskv walk --plain | head` would otherwise end the process in the
// middle of a write, and leave the data of its server behind. That somebody does not
// read on is no error. A second signal ends the process as usual.
func untilSignal(ctx context.Context, walk func(context.Context) error) error {
	brokenPipe := make(chan os.Signal, 1)
	signal.Notify(brokenPipe, syscall.SIGPIPE)
	defer signal.Stop(brokenPipe)
	signalled, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer restore()
	defer context.AfterFunc(signalled, restore)()
	err := walk(signalled)
	switch {
	case errors.Is(err, syscall.EPIPE):
		return nil
	case err != nil && signalled.Err() != nil && ctx.Err() == nil:
		return fmt.Errorf("the walk was stopped: %w", context.Cause(signalled))
	}
	return err
}
