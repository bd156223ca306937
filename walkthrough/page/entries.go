package page

import (
	"net/http"

	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// mostEntries is how many requests the menu lists.
const mostEntries = 50

// entry is a request in the list.
type entry struct {
	Href, Name, Outcome, Mood, Took string
	Here                            bool
}

func (h *handler) entries(r *http.Request, from at) []entry {
	walks := h.book.all(r.Context(), mostEntries)
	out := make([]entry, 0, len(walks))
	for _, w := range walks {
		to := at{key: w.key, lang: from.lang}
		c := timeline.HeadlineOf(w.Timeline, from.lang)
		out = append(out, entry{
			Href: to.stop(w, h.first(w)), Name: c.Title, Outcome: c.Outcome, Mood: mood(c.Role),
			Took: c.Took, Here: w.key == from.key,
		})
	}
	return out
}

// mood is the class of an outcome.
func mood(r screen.Role) string {
	switch r {
	case screen.Good:
		return "good"
	case screen.Bad:
		return "bad"
	case screen.Warn:
		return "warn"
	}
	return ""
}
