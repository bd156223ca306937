package page

import (
	"net/http"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
)

// jumpView is a way to go on.
type jumpView struct{ Href, Kind, What, To, Note string }

// jumps are the ways to go on from a stop. From source there is one: back to where
// it was seen.
func (v *visit) jumps() []jumpView {
	if v.symbol != "" {
		return []jumpView{{
			Href: v.href(v.slug, nil), Kind: "back",
			What: v.lang.Pick("back to", "返回"), To: v.stop.Name,
		}}
	}
	var out []jumpView
	for _, j := range v.t.Jumps(&v.stop, v.lang) {
		view := jumpView{Kind: string(j.Kind), What: v.what(j.Kind), To: j.Name(), Note: j.Note}
		switch {
		case j.Stop >= 0:
			view.Href = v.at.stop(v.t, j.Stop)
		case j.Stage != trace.None:
			view.Href = v.href(j.Stage.String(), nil)
		default:
			view.Href, view.To = v.source(v.slug, j.Symbol, ""), short(j.Symbol)
		}
		out = append(out, view)
	}
	return out
}

// what names a kind of jump.
func (v *visit) what(k chapter.JumpKind) string {
	switch k {
	case chapter.Caller:
		return v.lang.Pick("caller", "调用者")
	case chapter.Callee:
		return v.lang.Pick("callee", "被调用者")
	case chapter.Handover:
		return v.lang.Pick("hand-over", "交接给")
	}
	return string(k)
}

// foundView is a stage in the list that one searches.
type foundView struct {
	Href, Name, Title string
	Passed            bool // by the request
}

// stages lists every stage, in the order of the path, each with its chapter's title.
func (h *handler) stages(w http.ResponseWriter, r *http.Request) {
	l := h.lang(r)
	t, err := h.book.find(r.Context(), r.PathValue("trace"), l)
	if err != nil {
		refuse(w, r, l, err)
		return
	}
	here := at{t.key, l}
	var out []foundView
	for _, spec := range trace.Specs() {
		f := foundView{
			Href: here.href(spec.Name, nil), Name: spec.Name,
			Title: l.Text(spec).Note, Passed: t.Index(spec.Stage) >= 0,
		}
		if c, ok := chapter.Of(spec.Stage, l); ok {
			f.Title = c.Title
		}
		out = append(out, f)
	}
	render(w, http.StatusOK, "found", out)
}
