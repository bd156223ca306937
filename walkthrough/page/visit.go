package page

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/timeline"
	"glasskv/walkthrough/walk/tour"
)

// at is where the reader is: in which request, in which language. It makes the
// addresses of all that can be reached from there.
type at struct {
	key  string
	lang lang.Lang
}

// route is the path of a stop.
func (a at) route(slug string) string {
	return "/r/" + url.PathEscape(a.key) + "/" + url.PathEscape(slug)
}

func (a at) href(slug string, query url.Values) string {
	if query == nil {
		query = url.Values{}
	}
	query.Set("lang", string(a.lang))
	return a.route(slug) + "?" + query.Encode()
}

func (a at) stop(t *walk, i int) string { return a.href(slugOf(t, i), nil) }

// source is the address of a place in upstream's source, seen from a stop.
func (a at) source(slug, symbol, anchor string) string {
	q := url.Values{"symbol": {symbol}}
	if anchor != "" {
		q.Set("anchor", anchor)
	}
	return a.href(slug, q)
}

// slugOf names a stop in an address: by its stage, with a number where the request
// passed it several times, or else by its place.
func slugOf(t *walk, i int) string {
	if i >= len(t.Stops) {
		return "0"
	}
	stage := t.Stops[i].Stage
	if stage == stages.None {
		return strconv.Itoa(i)
	}
	n := 1
	for _, s := range t.Stops[:i] {
		if s.Stage == stage {
			n++
		}
	}
	if n > 1 {
		return stage.String() + "~" + strconv.Itoa(n)
	}
	return stage.String()
}

// visit is what one request for a page asks for.
type visit struct {
	at
	t      *walk
	index  int // of the stop; -1 for a stage that the request did not pass
	stop   tour.Stop
	slug   string
	symbol string // source to show instead of the chapter; may be empty
	anchor string
	chart  *timeline.Chart
}

// lang is the language that an address asks for.
func (h *handler) lang(r *http.Request) lang.Lang {
	if l, err := lang.Parse(r.FormValue("lang")); err == nil {
		return l
	}
	return h.o.Lang
}

func (h *handler) visit(r *http.Request) (*visit, error) {
	l := h.lang(r)
	t, err := h.book.find(r.Context(), r.PathValue("trace"), l)
	if err != nil {
		return nil, err
	}
	v := &visit{at: at{t.key, l}, t: t, slug: r.PathValue("stop")}
	if v.index, v.stop, err = find(t, v.slug); err != nil {
		return nil, &refusal{http.StatusNotFound, l.Pick("There is no such stage.", "没有这个阶段。")}
	}
	if symbol := r.FormValue("symbol"); symbol != "" {
		if !named(symbol) {
			return nil, &refusal{http.StatusNotFound, l.Pick("No chapter names this symbol.", "没有哪一章提到这个符号。")}
		}
		v.symbol, v.anchor = symbol, r.FormValue("anchor")
	}
	v.chart = t.chart(l)
	return v, nil
}

// find reads what slugOf writes, and the name of any other stage.
func find(t *walk, slug string) (int, tour.Stop, error) {
	if i, err := strconv.Atoi(slug); err == nil {
		if i < 0 || i >= len(t.Stops) {
			return 0, tour.Stop{}, strconv.ErrRange
		}
		return i, t.Stops[i], nil
	}
	name, number, _ := strings.Cut(slug, "~")
	stage, known := stages.ByName(name)
	if !known {
		return 0, tour.Stop{}, strconv.ErrSyntax
	}
	n, _ := strconv.Atoi(number) // the first one, where there is no number
	i := slices.IndexFunc(t.Stops, func(s tour.Stop) bool {
		if s.Stage == stage {
			n--
		}
		return s.Stage == stage && n < 1
	})
	if i < 0 {
		return -1, tour.Beyond(stage), nil
	}
	return i, t.Stops[i], nil
}
