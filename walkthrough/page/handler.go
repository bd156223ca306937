package page

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"glasskv/trace/endpoint"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

//go:embed templates/*.html
var templateFiles embed.FS

var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// Handler returns the handler of all addresses. It refuses requests whose Host header
// does not name this machine.
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
	mux.HandleFunc("GET /static/{name}", serveStatic)
	if o.Control != nil {
		h.handleControl(mux)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		l := h.lang(r)
		refuse(w, r, l, &refusal{http.StatusNotFound, l.Pick("There is no such page.", "没有这个页面。")})
	})
	return guard(mux, o.Lang)
}

type handler struct {
	o    Options
	book *book
}

// begin redirects to the first stop of a request: of the one that the address names, or
// of the newest.
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
	to := location{key: key, lang: h.lang(r)}
	http.Redirect(w, r, to.stop(t, h.first(t)), http.StatusSeeOther)
}

// first returns the index of the stop where the walk through a request begins.
func (h *handler) first(t *walk) int { return max(0, t.Index(h.o.Stage)) }

// page answers with a stop and everything around it, or with all stops if ?print=all.
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

// fragment answers with the stop alone.
func (h *handler) fragment(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r)
	if err != nil {
		refuse(w, r, h.lang(r), err)
		return
	}
	render(w, http.StatusOK, "stop", h.stopView(r.Context(), v))
}

// requests answers with the list of requests.
func (h *handler) requests(w http.ResponseWriter, r *http.Request) {
	render(w, http.StatusOK, "requests", h.entries(r, location{key: r.PathValue("trace"), lang: h.lang(r)}))
}

// render answers with a template. It executes the template before it sends anything, so
// that an error does not leave half a page.
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

// How long a request that the page makes may take.
const (
	ordinaryTimeout = 10 * time.Second // on a server that cannot hold requests
	heldTimeout     = 10 * time.Minute // on a server that can
)

// makeTimeout returns how long a request that the page makes may take, and extends the
// deadline of the answer accordingly.
func (h *handler) makeTimeout(w http.ResponseWriter) time.Duration {
	if h.o.Control == nil {
		return ordinaryTimeout
	}
	// An error means that the writer has no deadline, as in tests.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(heldTimeout + ordinaryTimeout))
	return heldTimeout
}

// make makes a request and redirects to it: to the stop where the reader was, if the new
// request passed it too. Other sites' pages cannot send this request; see guard.
func (h *handler) make(w http.ResponseWriter, r *http.Request) {
	l := h.lang(r)
	if h.o.Live == nil {
		refuse(w, r, l, &refusal{http.StatusConflict, l.Pick(
			"These are saved requests: there is no server to make another one.", "这些是保存下来的请求：没有服务端可以再发一个。")})
		return
	}
	kind := r.PostFormValue("request")
	ctx, cancel := context.WithTimeout(r.Context(), h.makeTimeout(w))
	defer cancel()
	t, err := h.o.Live.Do(ctx, kind)
	if err != nil {
		refuse(w, r, l, &refusal{http.StatusBadGateway, screen.Escape(err.Error())})
		return
	}
	made := h.book.add(t)
	to := location{made.key, l}
	i := h.first(made)
	if stage, known := stages.ByName(r.PostFormValue("stage")); known && made.Index(stage) >= 0 {
		i = made.Index(stage)
	}
	http.Redirect(w, r, to.href(slugOf(made, i), url.Values{"made": {kind}}), http.StatusSeeOther)
}

// policy lets a page use its own style, script, icon and addresses, and nothing else. A
// script that a client wrote into a key does not run.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// mostForm limits the body of a request, in bytes.
const mostForm = 4 << 10

// guard refuses requests for another host and POST requests of other sites' pages. It
// limits the size of bodies, and adds the headers that every answer has.
func guard(next http.Handler, l lang.Lang) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if !endpoint.IsLocal((&url.URL{Host: r.Host}).Hostname(), r) {
			refuse(w, r, l, &refusal{http.StatusForbidden, l.Pick(
				"This page is answered under this machine's own address only.", "本页只应答本机自己的地址。")})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		next.ServeHTTP(w, r)
	})
}

// refusal is an error with the text and the HTTP status of its page.
type refusal struct {
	status int
	text   string // a sentence in the reader's language
}

func (r *refusal) Error() string { return r.text }

// refuse answers with a page about an error. An error that is not a refusal has the
// status 500.
func refuse(w http.ResponseWriter, r *http.Request, l lang.Lang, err error) {
	why := &refusal{http.StatusInternalServerError, screen.Escape(err.Error())}
	_ = errors.As(err, &why)
	render(w, why.status, "refusal", refusalView{frameOf(r, l), why.text})
}

// refusalView is the data of the template "refusal".
type refusalView struct {
	frame
	Text string
}

//go:embed static
var staticFiles embed.FS

// types maps the static files to their content types.
var types = map[string]string{
	"page.css": "text/css; charset=utf-8",
	"page.js":  "text/javascript; charset=utf-8",
	"icon.svg": "image/svg+xml",
}

// version is a hash of style and script. It is part of their addresses, so that a browser
// may cache them.
var version = func() string {
	sum := sha256.New()
	for _, name := range []string{"page.css", "page.js"} {
		content, err := staticFiles.ReadFile(path.Join("static", name))
		if err != nil {
			panic(err) // the file is embedded
		}
		sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}()

// serveStatic answers with a static file.
func serveStatic(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	content, err := staticFiles.ReadFile(path.Join("static", name))
	if err != nil || types[name] == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", types[name])
	if r.URL.Query().Get("v") == version {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	_, _ = w.Write(content) // the reader may have gone away
}
