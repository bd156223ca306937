package page

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"glasskv/server/control"
	"glasskv/trace"
	"glasskv/walkthrough/hold"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// handleControl adds the addresses by which a page steers the server. Those that change
// something are POST, which no other site's page can send; see guard.
func (h *handler) handleControl(mux *http.ServeMux) {
	mux.HandleFunc("GET /control/holds", h.holds(func(r *http.Request) (control.State, error) {
		return h.o.Control.State(r.Context(), 0)
	}))
	mux.HandleFunc("POST /control/break", h.holds(func(r *http.Request) (control.State, error) {
		if stage := r.PostFormValue("stage"); r.PostFormValue("on") == "" {
			return h.o.Control.ClearBreak(r.Context(), stage)
		}
		return h.o.Control.SetBreak(r.Context(), control.Break{Stage: r.PostFormValue("stage")})
	}))
	mux.HandleFunc("POST /control/step", h.holds(func(r *http.Request) (control.State, error) {
		return h.o.Control.Step(r.Context(), holdID(r))
	}))
	mux.HandleFunc("POST /control/continue", h.holds(func(r *http.Request) (control.State, error) {
		return h.o.Control.Continue(r.Context(), holdID(r))
	}))
	mux.HandleFunc("GET /control/hold", h.report)
	mux.HandleFunc("GET /control/faults", h.faults(func(r *http.Request) ([]control.Fault, error) {
		return h.o.Control.Faults(r.Context())
	}))
	mux.HandleFunc("POST /control/fault", h.faults(h.setFault))
}

// holdID returns the ID of a hold in a form, or 0, which no hold has.
func holdID(r *http.Request) int {
	n, _ := strconv.Atoi(r.FormValue("id"))
	return n
}

// holdsView is the data of the template "holds".
type holdsView struct {
	Lang   lang.Lang
	Error  string
	Breaks []string
	Holds  []heldView
}

type heldView struct {
	ID                        int
	Request, Stage, Who, Href string
}

// holds returns a handler that calls ask and answers with the state after
// the call.
func (h *handler) holds(ask func(*http.Request) (control.State, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l := h.lang(r)
		st, err := ask(r)
		v := holdsView{Lang: l}
		if err != nil {
			v.Error = screen.Escape(err.Error())
			// The answer shows the state beside the error.
			if st, err = h.o.Control.State(r.Context(), 0); err != nil {
				v.Error = screen.Escape(err.Error())
			}
		}
		for _, b := range st.Breaks {
			v.Breaks = append(v.Breaks, b.Stage)
		}
		here := location{cmp.Or(r.FormValue("from"), h.book.newest()), l}
		for i := range st.Holds {
			v.Holds = append(v.Holds, heldViewOf(&st.Holds[i], here))
		}
		render(w, http.StatusOK, "holds", v)
	}
}

func heldViewOf(h *control.Hold, here location) heldView {
	request := trace.Timeline{Method: h.Method, Attributes: map[string]string{trace.AttrKey: h.Key}}
	v := heldView{
		ID: h.ID, Stage: h.Stage, Href: here.href(h.Stage, nil),
		Request: verdict.Operation(&request, here.lang),
		Who:     here.lang.Pick("only this request waits", "只有这个请求在等"),
	}
	if h.Lane.Shared() {
		v.Who = here.lang.Say("the %s stands still; waiting behind it: %d", "%s 停住了，后面等着的请求：%d 个", h.Lane, h.HeldUp)
	}
	return v
}

// blockWidth is the width of the text about a hold, in columns.
const blockWidth = 110

// report answers with the report on a request that is held, as text.
func (h *handler) report(w http.ResponseWriter, r *http.Request) {
	report, err := h.o.Control.Hold(r.Context(), holdID(r))
	var out strings.Builder
	if err == nil {
		err = hold.Render(&out, report, hold.Options{Options: screen.Options{Lang: h.lang(r), Width: blockWidth}})
	}
	if err != nil {
		out.WriteString(screen.Escape(err.Error()))
	}
	render(w, http.StatusOK, "look", out.String())
}

// faultsView is the data of the template "faults".
type faultsView struct {
	Lang   lang.Lang
	Error  string
	Faults []switchView
}

// switchView is the form that switches a fault.
type switchView struct {
	Name, Text   string
	Param, Value string // the parameter, and its value or a suggestion
	On           bool
}

// faults returns a handler that calls ask and answers with the faults as they
// are after the call.
func (h *handler) faults(ask func(*http.Request) ([]control.Fault, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := faultsView{Lang: h.lang(r)}
		all, err := ask(r)
		if err != nil {
			v.Error = screen.Escape(err.Error())
			if all, err = h.o.Control.Faults(r.Context()); err != nil {
				v.Error = screen.Escape(err.Error())
			}
		}
		for i := range all {
			v.Faults = append(v.Faults, switchViewOf(&all[i], v.Lang))
		}
		render(w, http.StatusOK, "faults", v)
	}
}

// offered are the amounts that the form suggests for a fault that is off.
var offered = map[string]int{"streams": 1, "bytes": 16 << 10, "goroutines": 4}

func switchViewOf(f *control.Fault, l lang.Lang) switchView {
	v := switchView{Name: f.Name, Text: l.Pick(f.EN, f.ZH), On: f.On, Param: "delay", Value: cmp.Or(f.Delay, "50ms")}
	if n := f.Amount(f.Counts); n != nil {
		v.Param, v.Value = f.Counts, strconv.Itoa(cmp.Or(*n, offered[f.Counts]))
	}
	return v
}

// setFault switches a fault on with the value in the form, or off.
func (h *handler) setFault(r *http.Request) ([]control.Fault, error) {
	f := control.Fault{Name: r.PostFormValue("name"), On: true}
	if r.PostFormValue("on") == "" {
		return h.o.Control.ClearFault(r.Context(), f.Name)
	}
	all, err := h.o.Control.Faults(r.Context())
	if err != nil {
		return nil, err
	}
	counts := ""
	if i := slices.IndexFunc(all, func(known control.Fault) bool { return known.Name == f.Name }); i >= 0 {
		counts = all[i].Counts
	}
	value := r.PostFormValue("value")
	if n := f.Amount(counts); n == nil {
		f.Delay = value
	} else if *n, err = strconv.Atoi(value); err != nil {
		return nil, errors.New(h.lang(r).Say("%s is a number", "%s 要填数字", counts))
	}
	return h.o.Control.SetFault(r.Context(), f)
}
