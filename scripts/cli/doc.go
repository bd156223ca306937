// Package cli tests the glasskv program from outside, as a process: what a
// person sees who types its commands, with the exit code that a script sees.
package cli
