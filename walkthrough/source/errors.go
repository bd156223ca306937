package source

import (
	"errors"
	"fmt"
)

// ErrNotHere is returned when the source is not on this disk. The error is a
// *NotHereError, which knows what to run.
var ErrNotHere = errors.New("source is not on this disk")

// ErrNoSymbol is returned when the package is here and does not declare the
// symbol, and for a text that is no symbol.
var ErrNoSymbol = errors.New("no such symbol")

// ErrNoAnchor is returned when the declaration does not hold what the anchor
// names, and for a text that is no anchor. The message lists what there is.
var ErrNoAnchor = errors.New("no such anchor")

// NotHereError says whose source is missing and how to get it.
type NotHereError struct {
	Module  string // path@version, or the Go release; the package when this binary does not know its module
	Command string // what to run; "" when nothing helps because the version is not known
	NoGo    bool   // there is no go command on this machine either
}

func (e *NotHereError) Error() string {
	switch {
	case e.Command == "":
		return fmt.Sprintf("%v: this binary does not know its version of %s", ErrNotHere, e.Module)
	case e.NoGo:
		return fmt.Sprintf("%v: %s: there is no go command either; install Go, then run `%s`", ErrNotHere, e.Module, e.Command)
	}
	return fmt.Sprintf("%v: %s: run `%s`", ErrNotHere, e.Module, e.Command)
}

// Is makes errors.Is find ErrNotHere.
func (e *NotHereError) Is(target error) bool { return target == ErrNotHere }
