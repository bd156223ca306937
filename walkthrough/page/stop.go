package page

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// stopView is what the template "stop" is given.
type stopView struct {
	Lang      lang.Lang
	ID        string // of the heading; empty when it stands among others
	Route     string
	Slug      string
	Class     string
	PageTitle string // of the browser's window
	Said      string // by a screen reader, when one has come here
	Name      string // the stage's
	Kind      string
	Scope     string
	Upstream  string // the function that does the work
	Heading   string
	Of        string // "12 of 38"
	Times     []string
	Hold      *holdButton // nil where requests cannot be held
	Blocks    []block
	Jumps     []jumpView
	Previous  *namedLink
	Next      *namedLink
}

// holdButton sets a breakpoint at the stop, or takes it away.
type holdButton struct {
	Name, Body string
	Set        bool
}

// holdButton is nil where nothing can be held. A server that does not answer is no
// reason to show no chapter.
func (h *handler) holdButton(ctx context.Context, v *visit) *holdButton {
	if h.o.Control == nil || stages.SpecOf(v.stop.Stage).Hold == "" {
		return nil
	}
	st, err := h.o.Control.State(ctx, 0)
	if err != nil {
		return nil
	}
	name := v.stop.Stage.String()
	for _, b := range st.Breaks {
		if b.Stage == name {
			return &holdButton{v.lang.Pick("hold no more", "不再停住"), "stage=" + name, true}
		}
	}
	return &holdButton{v.lang.Pick("hold here", "停在这里"), "on=true&stage=" + name, false}
}

// stopView is a stop with which one can do something.
func (h *handler) stopView(ctx context.Context, v *visit) stopView {
	s := v.stopView()
	s.Hold = h.holdButton(ctx, v)
	return s
}

// stopView is a stop to be read.
func (v *visit) stopView() stopView {
	s := stopView{Lang: v.lang, ID: "title", Route: v.route(v.slug), Slug: v.slug, Class: class(stages.KindNone)}
	row := v.chartRow()
	s.Heading, s.Times = v.heading(row), v.times(row)
	s.Blocks, s.Jumps = v.blocks(), v.jumps()
	if v.stop.Stage != stages.None {
		spec := stages.SpecOf(v.stop.Stage)
		s.Name, s.Class = spec.Name, class(spec.Kind)
		s.Scope, s.Upstream = v.lang.Scope(spec.Scope), spec.Upstream.String()
		if spec.Kind != stages.KindNone {
			s.Kind = v.lang.Kind(spec.Kind)
		}
	}
	v.neighbours(&s)
	s.PageTitle = strings.Join([]string{orElse(s.Name, s.Heading), v.chart.Title, "GlassKV"}, " · ")
	s.Said = s.Name + ", " + s.Heading + ", " + s.Of
	return s
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// chartRow is the stop's row in the waterfall; nil when it has none.
func (v *visit) chartRow() *timeline.Row {
	if v.index < 0 {
		return nil
	}
	for i := range v.chart.Sections {
		rows := v.chart.Sections[i].Rows
		for j := range rows {
			if rows[j].Entry == v.index {
				return &rows[j]
			}
		}
	}
	return nil
}

// heading is the chapter's title, or what else the stop is called.
func (v *visit) heading(row *timeline.Row) string {
	if v.symbol != "" {
		return short(v.symbol)
	}
	if c, ok := v.stop.Chapter(v.lang); ok {
		return capital(c.Title)
	}
	if row != nil {
		return row.Name
	}
	return screen.Escape(v.stop.Name)
}

// capital begins a title as a heading begins. An identifier stays as it is.
func capital(title string) string {
	word, _, _ := strings.Cut(title, " ")
	if strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return title
	}
	return strings.ToUpper(title[:1]) + title[1:]
}

// times says how long it took, and what of it the request waited.
func (v *visit) times(row *timeline.Row) []string {
	say := v.lang.Say
	if v.index < 0 {
		return []string{v.lang.Pick("this request did not pass here", "这个请求没有经过这里")}
	}
	out := []string{say("took %s", "用时 %s", screen.Duration(v.stop.Took))}
	if row != nil && row.Took == "" {
		out = nil // a connection's life
	}
	total := v.t.Timeline.DurationNS
	switch {
	case v.stop.Waited > 0 && total > 0:
		share := screen.Percent(float64(v.stop.Waited) / float64(total))
		out = append(out, say("the request waited here %s, %s", "请求在此等待 %s，占 %s", screen.Duration(v.stop.Waited), share))
	case v.stop.Stage != stages.None:
		out = append(out, v.lang.Pick("the request was waiting elsewhere meanwhile", "这期间请求在别处等待"))
	}
	if v.stop.Row != nil && v.stop.Row.BeginNS >= 0 {
		out = append(out, say("began at %s", "开始于 %s", screen.Duration(v.stop.Row.BeginNS)))
	}
	if row != nil {
		out = append(out, row.Labels...)
	}
	return out
}

// neighbours links to the stops before and after. A stage that the request did not
// pass has the chapters before and after it.
func (v *visit) neighbours(s *stopView) {
	if v.index < 0 {
		if c, ok := v.stop.Chapter(v.lang); ok {
			s.Previous, s.Next = v.stage(c.Previous), v.stage(c.Next)
		}
		s.Of = v.lang.Pick("beyond this request", "不在这个请求的路上")
		return
	}
	s.Of = strconv.Itoa(v.index+1) + v.lang.Pick(" of ", " / ") + strconv.Itoa(len(v.t.Stops))
	if v.index > 0 {
		s.Previous = v.neighbour(v.index - 1)
	}
	if v.index+1 < len(v.t.Stops) {
		s.Next = v.neighbour(v.index + 1)
	}
}

func (v *visit) neighbour(i int) *namedLink {
	return &namedLink{v.at.stop(v.t, i), screen.Escape(v.t.Stops[i].Name)}
}

func (v *visit) stage(to stages.Stage) *namedLink {
	if to == stages.None {
		return nil
	}
	return &namedLink{v.href(to.String(), nil), to.String()}
}

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
		case j.Stage != stages.None:
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
	for _, spec := range stages.Specs() {
		f := foundView{
			Href: here.href(spec.Name, nil), Name: spec.Name,
			Title: chapter.TextOf(spec.Stage, l).Note, Passed: t.Index(spec.Stage) >= 0,
		}
		if c, ok := chapter.Of(spec.Stage, l); ok {
			f.Title = c.Title
		}
		out = append(out, f)
	}
	render(w, http.StatusOK, "found", out)
}
