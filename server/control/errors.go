package control

import (
	"errors"
	"net/http"
)

// The errors that a user can bring about. What they are wrapped in says more.
var (
	// ErrMistake is returned when what was asked for makes no sense: a stage that
	// does not exist, a time below zero.
	ErrMistake = errors.New("mistake")
	// ErrUnknown is returned when what was asked for is not there, or not any more.
	ErrUnknown = errors.New("unknown")
	// ErrOff is returned by a Client when the server was started without --control.
	ErrOff = errors.New("control is off")
)

// Mistake returns an ErrMistake that says text and nothing else.
func Mistake(text string) error { return &userError{text, ErrMistake} }

// Unknown returns an ErrUnknown that says text and nothing else.
func Unknown(text string) error { return &userError{text, ErrUnknown} }

// userError says what is wrong, without the kind's own word in front.
type userError struct {
	text string
	kind error
}

func (e *userError) Error() string { return e.text }
func (e *userError) Unwrap() error { return e.kind }

// statuses is the one place where errors become HTTP statuses, and the other way
// round.
var statuses = []struct {
	err    error
	status int
}{
	{ErrMistake, http.StatusBadRequest},
	{ErrUnknown, http.StatusNotFound},
	{ErrOff, http.StatusNotImplemented},
}

func statusOf(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// errorOf is the reverse of statusOf.
func errorOf(status int, text string) error {
	for _, s := range statuses {
		if s.status == status {
			return &userError{text, s.err}
		}
	}
	return errors.New(text)
}
