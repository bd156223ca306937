package control

import (
	"errors"
	"net/http"
)

// The errors that a user can cause. The methods of Steering and Controller wrap them
// in a text that says what is wrong.
var (
	// ErrMistake is returned if the arguments make no sense: a stage that does not
	// exist, a time below zero.
	ErrMistake = errors.New("mistake")
	// ErrUnknown is returned if what the arguments name does not exist, or exists no
	// longer.
	ErrUnknown = errors.New("unknown")
	// ErrOff is returned by a Client if the server was started without --control.
	ErrOff = errors.New("control is off")
)

// Mistake returns an error with this text that wraps ErrMistake.
func Mistake(text string) error { return &userError{text, ErrMistake} }

// Unknown returns an error with this text that wraps ErrUnknown.
func Unknown(text string) error { return &userError{text, ErrUnknown} }

// userError wraps one of the errors above without showing its text.
type userError struct {
	text string
	kind error
}

func (e *userError) Error() string { return e.text }
func (e *userError) Unwrap() error { return e.kind }

// statuses maps errors to HTTP statuses; statusOf and errorOf use it in both
// directions.
var statuses = []struct {
	err    error
	status int
}{
	{ErrMistake, http.StatusBadRequest},
	{ErrUnknown, http.StatusNotFound},
	{ErrOff, http.StatusNotImplemented},
}

// statusOf returns the HTTP status of an error, 500 if it wraps none of the above.
func statusOf(err error) int {
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	return http.StatusInternalServerError
}

// errorOf returns an error with this text that wraps the one that statusOf maps to
// status, if any.
func errorOf(status int, text string) error {
	for _, s := range statuses {
		if s.status == status {
			return &userError{text, s.err}
		}
	}
	return errors.New(text)
}
