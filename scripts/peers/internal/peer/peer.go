// Package peer is what the programs of this module have in common: how they
// say that they serve, and how they are stopped.
package peer

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Ready tells whoever started the program that it serves, and where.
func Ready(addr string) { fmt.Println("ready", addr) }

// Context ends when the program is asked to stop.
func Context() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// Main runs a program and turns its error into one line and an exit code.
func Main(run func(ctx context.Context) error) {
	ctx, cancel := Context()
	err := run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
		os.Exit(1)
	}
}
