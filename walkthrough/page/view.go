package page

import (
	"net/http"
	"net/url"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
	"glasskv/walkthrough/walk/tour"
)

// frame is the data of every page.
type frame struct {
	Lang    lang.Lang
	Title   string
	Theme   string // "light", "dark", or "" for the reader's setting
	Version string // see version
}

// frameOf returns the frame of a page. The theme is in a cookie that the script sets, so
// that the page has the right colours before the script runs.
func frameOf(r *http.Request, l lang.Lang) frame {
	f := frame{Lang: l, Title: "GlassKV", Version: version}
	if c, err := r.Cookie("glasskv-theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		f.Theme = c.Value
	}
	return f
}

// pageView is the data of the template "page".
type pageView struct {
	frame
	Route     string // the path of the stop, without the language
	Requests  []entry
	Kinds     []tour.Request
	Made      string // the kind that was made last
	OtherLang namedLink
	ThemeName string
	PrintHref string
	Control   bool // requests can be held
	Chart     chartView
	Stop      stopView
}

// namedLink is a link with its text.
type namedLink struct{ Href, Name string }

func (h *handler) pageView(r *http.Request, v *visit) pageView {
	p := pageView{
		frame: frameOf(r, v.lang), Route: v.route(v.slug),
		Control:  h.o.Control != nil,
		Requests: h.entries(r, v.location), Made: r.FormValue("made"),
		PrintHref: v.href(v.slug, url.Values{"print": {"all"}}),
		Chart:     v.chartView(), Stop: h.stopView(r.Context(), v),
	}
	if h.o.Live != nil {
		p.Kinds = h.o.Kinds
	}
	p.Title = p.Stop.PageTitle
	p.ThemeName = themeName(p.Theme, v.lang)
	other := location{v.key, lang.EN}
	p.OtherLang.Name = "English"
	if v.lang == lang.EN {
		other.lang, p.OtherLang.Name = lang.ZH, "中文"
	}
	p.OtherLang.Href = other.href(v.slug, nil)
	return p
}

func themeName(theme string, l lang.Lang) string {
	switch theme {
	case "light":
		return l.Pick("light", "浅色")
	case "dark":
		return l.Pick("dark", "深色")
	}
	return l.Pick("auto", "自动")
}

// wholeView is the data of the template "whole": every stop, to be printed.
type wholeView struct {
	frame
	Chart chartView
	All   []stopView
}

func (v *visit) wholeView(r *http.Request) wholeView {
	w := wholeView{frame: frameOf(r, v.lang), Chart: v.chartView()}
	w.Title = v.chart.Title + " · GlassKV"
	for i := range min(len(v.t.Stops), timeline.DefaultRows) { // as many as the waterfall has rows
		stop := *v
		stop.index, stop.stop, stop.slug, stop.symbol = i, v.t.Stops[i], slugOf(v.t, i), ""
		view := stop.stopView()
		view.ID = "" // an ID must be unique in a page
		w.All = append(w.All, view)
	}
	return w
}

// mostEntries limits how many requests the menu lists.
const mostEntries = 50

// entry is a request in the menu.
type entry struct {
	Href, Name, Outcome, Mood, Took string
	Here                            bool // it is the request on the page
}

// entries returns the menu of requests; from is where the reader is.
func (h *handler) entries(r *http.Request, from location) []entry {
	walks := h.book.all(r.Context(), mostEntries)
	out := make([]entry, 0, len(walks))
	for _, w := range walks {
		to := location{key: w.key, lang: from.lang}
		c := timeline.HeadlineOf(w.Timeline, from.lang)
		out = append(out, entry{
			Href: to.stop(w, h.first(w)), Name: c.Title, Outcome: c.Outcome, Mood: mood(c.Role),
			Took: c.Took, Here: w.key == from.key,
		})
	}
	return out
}

// mood returns the CSS class of an outcome.
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
