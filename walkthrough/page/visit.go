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

// location is the request and the language in which the reader is. Its methods return
// the addresses of what can be reached from there.
type location struct {
	key  string
	lang lang.Lang
}

// route returns the path of a stop.
func (l location) route(slug string) string {
	return "/r/" + url.PathEscape(l.key) + "/" + url.PathEscape(slug)
}

// href returns the address of a stop.
func (l location) href(slug string, query url.Values) string {
	if query == nil {
		query = url.Values{}
	}
	query.Set("lang", string(l.lang))
	return l.route(slug) + "?" + query.Encode()
}

// stop returns the address of the stop at an index.
func (l location) stop(t *walk, i int) string { return l.href(slugOf(t, i), nil) }

// source returns the address of a piece of source, as shown at a stop.
func (l location) source(slug, symbol, anchor string) string {
	q := url.Values{"symbol": {symbol}}
	if anchor != "" {
		q.Set("anchor", anchor)
	}
	return l.href(slug, q)
}

// slugOf returns the name of a stop in addresses: its stage, with a number if the request
// has passed that before, or else its index.
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

// visit is what the address of a page means.
type visit struct {
	location
	t      *walk
	index  int // the index of stop; -1 for a stage that the request did not pass
	stop   tour.Stop
	slug   string
	symbol string // the source to show instead of the chapter; may be empty
	anchor string
	chart  *timeline.Chart
}

// lang returns the language that an address names, or the default.
func (h *handler) lang(r *http.Request) lang.Lang {
	if l, err := lang.Parse(r.FormValue("lang")); err == nil {
		return l
	}
	return h.o.Lang
}

// visit returns what an address means. Its error is a refusal.
func (h *handler) visit(r *http.Request) (*visit, error) {
	l := h.lang(r)
	t, err := h.book.find(r.Context(), r.PathValue("trace"), l)
	if err != nil {
		return nil, err
	}
	v := &visit{location: location{t.key, l}, t: t, slug: r.PathValue("stop")}
	if v.index, v.stop, err = stopOf(t, v.slug); err != nil {
		return nil, &refusal{http.StatusNotFound, l.Pick("There is no such stage.", "没有这个阶段。")}
	}
	if symbol := r.FormValue("symbol"); symbol != "" {
		if !isNamed(symbol) {
			return nil, &refusal{http.StatusNotFound, l.Pick("No chapter names this symbol.", "没有哪一章提到这个符号。")}
		}
		v.symbol, v.anchor = symbol, r.FormValue("anchor")
	}
	v.chart = t.chart(l)
	return v, nil
}

// stopOf returns the stop that slugOf returned slug for, and its index. It accepts every
// other stage too, with the index -1.
func stopOf(t *walk, slug string) (int, tour.Stop, error) {
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
	n, _ := strconv.Atoi(number) // 0 without a number, which means the first
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
