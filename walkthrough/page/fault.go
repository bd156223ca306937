package page

import (
	"errors"
	"net/http"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// fault is an error that the reader of a page is told.
type fault struct {
	status int
	text   string // a sentence in the reader's language
}

func (f *fault) Error() string { return f.text }

// refuse sends a page that says what is wrong.
func refuse(w http.ResponseWriter, r *http.Request, l lang.Lang, err error) {
	f := &fault{http.StatusInternalServerError, screen.Escape(err.Error())}
	_ = errors.As(err, &f) // or it stays what it is
	render(w, f.status, "fault", faultView{frameOf(r, l), f.text})
}

// faultView is what the template "fault" is given.
type faultView struct {
	frame
	Text string
}
