//go:build unix

package command

import (
	"os"

	"golang.org/x/sys/unix"
)

// inForeground reports whether this process may read from the terminal. A background
// process, such as one started with &, would be stopped if it did.
func inForeground(tty *os.File) bool {
	group, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}
