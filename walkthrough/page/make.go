package page

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

// The time that a request may take: longer where it can be held.
const (
	ordinaryPatience = 10 * time.Second
	heldPatience     = 10 * time.Minute
)

// patience is how long a request may take. The browser is given as long to wait for
// the answer.
func (h *handler) patience(w http.ResponseWriter) time.Duration {
	if h.o.Control == nil {
		return ordinaryPatience
	}
	// A writer without deadlines, which tests have, waits anyway.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(heldPatience + ordinaryPatience))
	return heldPatience
}

// make makes a request and leads to it: to the stop at which the reader was, if the
// new request passed it too. Other sites cannot press this button; see guarded.
func (h *handler) make(w http.ResponseWriter, r *http.Request) {
	l := h.lang(r)
	if h.o.Live == nil {
		refuse(w, r, l, &refusal{http.StatusConflict, l.Pick(
			"These are saved requests: there is no server to make another one.", "这些是保存下来的请求：没有服务端可以再发一个。")})
		return
	}
	kind := r.PostFormValue("request")
	ctx, cancel := context.WithTimeout(r.Context(), h.patience(w))
	defer cancel()
	t, err := h.o.Live.Do(ctx, kind)
	if err != nil {
		refuse(w, r, l, &refusal{http.StatusBadGateway, screen.Escape(err.Error())})
		return
	}
	made := h.book.add(t)
	to := at{made.key, l}
	i := h.first(made)
	if stage, known := trace.StageByName(r.PostFormValue("stage")); known && made.Index(stage) >= 0 {
		i = made.Index(stage)
	}
	http.Redirect(w, r, to.href(slugOf(made, i), url.Values{"made": {kind}}), http.StatusSeeOther)
}
