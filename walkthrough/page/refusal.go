package page

import (
	"errors"
	"net/http"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// refusal is an error that the reader of a page is told.
type refusal struct {
	status int
	text   string // a sentence in the reader's language
}

func (r *refusal) Error() string { return r.text }

// refuse sends a page that says what is wrong.
func refuse(w http.ResponseWriter, r *http.Request, l lang.Lang, err error) {
	why := &refusal{http.StatusInternalServerError, screen.Escape(err.Error())}
	_ = errors.As(err, &why) // or it stays what it is
	render(w, why.status, "refusal", refusalView{frameOf(r, l), why.text})
}

// refusalView is what the template "refusal" is given.
type refusalView struct {
	frame
	Text string
}
