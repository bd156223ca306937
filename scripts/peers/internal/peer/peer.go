// Package peer has what the programs of this module share: how they say that they
// serve, and how they are stopped.
package peer

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Ready prints the line that says that the program serves, and where.
func Ready(addr string) { fmt.Println("ready", addr) }

// Main calls run with a context that ends on an interrupt or SIGTERM. It returns the
// exit code: 0, or 1 after it has written run's error to standard error.
func Main(run func(ctx context.Context) error) int {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
		return 1
	}
	return 0
}
