package page

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
	"glasskv/walkthrough/walk/tour"
)

// stopView is the data of the template "stop".
type stopView struct {
	Lang      lang.Lang
	ID        string // the id of the heading; empty if the page has several stops
	Route     string
	Slug      string
	Class     string
	PageTitle string // the title of the browser's window
	Said      string // what a screen reader says when the script has moved here
	Name      string // the stage's name
	Kind      string
	Scope     string
	Upstream  string // the function that does the work
	Heading   string
	Of        string // "12 of 38"
	Times     []string
	Hold      *holdButton // nil if requests cannot be held here
	Blocks    []block
	Jumps     []jumpView
	Previous  *namedLink
	Next      *namedLink
}

// holdButton is the button that sets or removes a breakpoint at the stop.
type holdButton struct {
	Name, Body string
	Set        bool // the breakpoint is set
}

// holdButton returns nil if requests cannot be held at the stop, or if the server does not
// answer, because the page is useful without the button.
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

// stopView returns the view of a stop with its button.
func (h *handler) stopView(ctx context.Context, v *visit) stopView {
	s := v.stopView()
	s.Hold = h.holdButton(ctx, v)
	return s
}

// stopView returns the view of a stop without its button.
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
	v.linkNeighbours(&s)
	s.PageTitle = strings.Join([]string{cmp.Or(s.Name, s.Heading), v.chart.Title, "GlassKV"}, " · ")
	s.Said = s.Name + ", " + s.Heading + ", " + s.Of
	return s
}

// chartRow returns the stop's row in the waterfall, or nil if it has none.
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

// heading returns the chapter's title or, without a chapter, the name of the stop.
func (v *visit) heading(row *timeline.Row) string {
	if v.symbol != "" {
		return tour.ShortName(v.symbol)
	}
	if c, ok := v.stop.Chapter(v.lang); ok {
		return capital(c.Title)
	}
	if row != nil {
		return row.Name
	}
	return screen.Escape(v.stop.Name)
}

// capital returns a title with a capital letter at the beginning, unless it begins with
// an identifier.
func capital(title string) string {
	word, _, _ := strings.Cut(title, " ")
	if strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return title
	}
	return strings.ToUpper(title[:1]) + title[1:]
}

// times says when the stop was, how long it took, and how long the request waited in it.
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

// linkNeighbours sets the links to the stops before and after. For a stage that the
// request did not pass, they lead to the chapters before and after.
func (v *visit) linkNeighbours(s *stopView) {
	if v.index < 0 {
		if c, ok := v.stop.Chapter(v.lang); ok {
			s.Previous, s.Next = v.stageLink(c.Previous), v.stageLink(c.Next)
		}
		s.Of = v.lang.Pick("beyond this request", "不在这个请求的路上")
		return
	}
	s.Of = strconv.Itoa(v.index+1) + v.lang.Pick(" of ", " / ") + strconv.Itoa(len(v.t.Stops))
	if v.index > 0 {
		s.Previous = v.stopLink(v.index - 1)
	}
	if v.index+1 < len(v.t.Stops) {
		s.Next = v.stopLink(v.index + 1)
	}
}

func (v *visit) stopLink(i int) *namedLink {
	return &namedLink{v.location.stop(v.t, i), screen.Escape(v.t.Stops[i].Name)}
}

func (v *visit) stageLink(to stages.Stage) *namedLink {
	if to == stages.None {
		return nil
	}
	return &namedLink{v.href(to.String(), nil), to.String()}
}

// jumpView is a link to another stop or to source.
type jumpView struct{ Href, Kind, What, To, Note string }

// jumps returns the jumps from a stop. If source is shown instead of the chapter, the only
// one leads back to the chapter.
func (v *visit) jumps() []jumpView {
	if v.symbol != "" {
		return []jumpView{{
			Href: v.href(v.slug, nil), Kind: "back",
			What: v.lang.Pick("back to", "返回"), To: v.stop.Name,
		}}
	}
	var out []jumpView
	for _, j := range v.t.Jumps(&v.stop, v.lang) {
		view := jumpView{Kind: string(j.Kind), What: v.jumpWord(j.Kind), To: j.Name(), Note: j.Note}
		switch {
		case j.Stop >= 0:
			view.Href = v.location.stop(v.t, j.Stop)
		case j.Stage != stages.None:
			view.Href = v.href(j.Stage.String(), nil)
		default:
			view.Href, view.To = v.source(v.slug, j.Symbol, ""), tour.ShortName(j.Symbol)
		}
		out = append(out, view)
	}
	return out
}

// jumpWord returns the name of a kind of jump.
func (v *visit) jumpWord(k chapter.JumpKind) string {
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

// foundView is a stage in the list for the search.
type foundView struct {
	Href, Name, Title string
	Passed            bool // the request passed it
}

// stages answers with the list of all stages, in the order of the path, each with its
// chapter's title.
func (h *handler) stages(w http.ResponseWriter, r *http.Request) {
	l := h.lang(r)
	t, err := h.book.find(r.Context(), r.PathValue("trace"), l)
	if err != nil {
		refuse(w, r, l, err)
		return
	}
	here := location{t.key, l}
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
