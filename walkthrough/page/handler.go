package page

import (
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"strings"

	"glasskv/walkthrough/lang"
)

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// Handler returns the page. It answers only those who asked for this machine.
func Handler(o Options) http.Handler {
	o.Lang = cmp.Or(o.Lang, lang.EN)
	h := &handler{o: o, book: newBook(o)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", h.begin)
	mux.HandleFunc("GET /r/{trace}", h.begin)
	mux.HandleFunc("GET /r/{trace}/{stop}", h.page)
	mux.HandleFunc("GET /fragment/r/{trace}/{stop}", h.fragment)
	mux.HandleFunc("GET /requests/r/{trace}/{stop}", h.requests)
	mux.HandleFunc("GET /stages/r/{trace}", h.stages)
	mux.HandleFunc("POST /make", h.make)
	mux.HandleFunc("GET /static/{name}", static)
	if o.Control != nil {
		h.controlled(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		l := h.lang(r)
		refuse(w, r, l, &refusal{http.StatusNotFound, l.Pick("There is no such page.", "没有这个页面。")})
	})
	return guarded(mux, o.Lang)
}

type handler struct {
	o    Options
	book *book
}

// begin leads to a request's first stop; the newest request's unless one is named.
func (h *handler) begin(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("trace")
	if key == "" {
		key = h.book.newest()
	}
	t, err := h.book.find(r.Context(), key, h.lang(r))
	if err != nil {
		refuse(w, r, h.lang(r), err)
		return
	}
	at := at{key: key, lang: h.lang(r)}
	http.Redirect(w, r, at.stop(t, h.first(t)), http.StatusSeeOther)
}

// first is where a walk through a request begins.
func (h *handler) first(t *walk) int { return max(0, t.Index(h.o.Stage)) }

// page is a stop with everything around it; with ?print=all, all stops.
func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r)
	if err != nil {
		refuse(w, r, h.lang(r), err)
		return
	}
	if r.URL.Query().Get("print") == "all" {
		render(w, http.StatusOK, "whole", v.wholeView(r))
		return
	}
	render(w, http.StatusOK, "page", h.pageView(r, v))
}

// fragment is the stop alone.
func (h *handler) fragment(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r)
	if err != nil {
		refuse(w, r, h.lang(r), err)
		return
	}
	render(w, http.StatusOK, "stop", h.stopView(r.Context(), v))
}

func (h *handler) requests(w http.ResponseWriter, r *http.Request) {
	render(w, http.StatusOK, "requests", h.entries(r, at{key: r.PathValue("trace"), lang: h.lang(r)}))
}

// render writes a template. It is made first and sent then, so that what goes wrong
// is no half of a page.
func render(w http.ResponseWriter, status int, name string, data any) {
	var out strings.Builder
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		http.Error(w, "template "+name+": "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(out.String())) // the reader may have gone away
}
