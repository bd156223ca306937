package walk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"
)

// isTerminal reports whether w is a screen on which one can draw.
func isTerminal(w io.Writer) bool {
	f, ok := w.(term.File)
	return ok && term.IsTerminal(f.Fd())
}

// framesPerSecond is how often the screen is drawn at most. bubbletea draws at the
// next frame, so a key waits for half of one on the average.
const framesPerSecond = 120

// onTerminal shows the walk until the reader leaves. However it ends, the terminal
// is as it was before: bubbletea restores it also after a panic, and a signal ends
// the program as the key q does.
func onTerminal(ctx context.Context, m *model, o *Options) error {
	ctx, restore := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer restore()
	p := tea.NewProgram(m,
		tea.WithInput(o.In), tea.WithOutput(o.Out),
		tea.WithColorProfile(o.Show.Screen(o.Out).Profile),
		tea.WithFPS(framesPerSecond),
		tea.WithoutSignalHandler(),
	)
	stop := context.AfterFunc(ctx, p.Quit)
	defer stop()
	_, err := p.Run()
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.Join(fmt.Errorf("the walk was stopped: %w", context.Cause(ctx)), err)
	case err != nil:
		return fmt.Errorf("the terminal: %w", err)
	case ctx.Err() != nil:
		return fmt.Errorf("the walk was stopped: %w", context.Cause(ctx))
	}
	return nil
}
