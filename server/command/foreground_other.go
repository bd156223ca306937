//go:build !unix

package command

import "os"

// inForeground reports true: there are no processes in the background of a
// terminal here.
func inForeground(*os.File) bool { return true }
