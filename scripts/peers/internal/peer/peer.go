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

// Main runs a program until it ends or is asked to stop, writes its error as one
// line and returns the exit code.
func Main(run func(ctx context.Context) error) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
		return 1
	}
	return 0
}
