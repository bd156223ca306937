package walk

import (
	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/walk/tour"
)

// place is where the reader is: at a stop of the tour, at a stage beyond it, or, from
// either of them, at a piece of source that a jump led to.
type place struct {
	stop       int         // -1 beyond the tour
	beyond     trace.Stage // None at a stop
	symbol     string      // the piece of source that a jump led to; "" for the stop's own
	quote      int         // which of the stop's places in the source is shown
	chapterTop int         // the first line of the chapter that is shown
	sourceTop  int         // the first line of the source; follow: where the mark is
}

// follow as the first line of the source shows what is marked.
const follow = -1

// mostBack bounds how far one can go back.
const mostBack = 1000

func at(stop int) place             { return place{stop: stop, sourceTop: follow} }
func beyond(s trace.Stage) place    { return place{stop: -1, beyond: s, sourceTop: follow} }
func (p place) to(sym string) place { p.symbol, p.sourceTop = sym, follow; return p }

// stop returns what is at the place where the reader is.
func (m *model) stop() *tour.Stop {
	if m.at.stop >= 0 && m.at.stop < len(m.tour.Stops) {
		return &m.tour.Stops[m.at.stop]
	}
	s := m.tour.Beyond(m.at.beyond)
	return &s
}

// quotes are the places in the source that can be shown here.
func (m *model) quotes() []chapter.Quote {
	if m.at.symbol != "" {
		return []chapter.Quote{{Symbol: m.at.symbol}}
	}
	return m.stop().Quotes(m.lang)
}

// quote is the one that is shown; false when there is none.
func (m *model) quote() (chapter.Quote, bool) {
	all := m.quotes()
	if len(all) == 0 {
		return chapter.Quote{}, false
	}
	return all[min(m.at.quote, len(all)-1)], true
}

// visit goes to a place and remembers the one it came from.
func (m *model) visit(p place) {
	if len(m.back) == mostBack {
		m.back = m.back[1:]
	}
	m.back = append(m.back, m.at)
	m.at, m.status = p, ""
}

// step goes along the path. From beyond the tour, and from a piece of source, it goes
// on from the stop that one had left.
func (m *model) step(by int) {
	from := m.at.stop
	for i := len(m.back) - 1; i >= 0 && from < 0; i-- {
		from = m.back[i].stop
	}
	to := min(max(from+by, 0), len(m.tour.Stops)-1)
	if to == m.at.stop && m.at.symbol == "" {
		m.status = m.lang.Pick("the request's path ends here", "请求的路径到此为止")
		return
	}
	m.visit(at(to))
}

// goBack returns to where the reader was before.
func (m *model) goBack() {
	last := len(m.back) - 1
	if last < 0 {
		m.status = m.lang.Pick("this is where the walk began", "这里就是出发的地方")
		return
	}
	m.at, m.back, m.status = m.back[last], m.back[:last], ""
}

// follow goes where a jump leads.
func (m *model) follow(j tour.Jump) {
	switch {
	case j.Symbol != "":
		m.visit(m.at.to(j.Symbol))
		m.focus = onSource
	case j.Stop >= 0:
		m.visit(at(j.Stop))
	default:
		m.visit(beyond(j.Stage))
	}
}

// goTo goes to a stage, on the tour or beyond it.
func (m *model) goTo(s trace.Stage) {
	if i := m.tour.Index(s); i >= 0 {
		m.visit(at(i))
		return
	}
	m.visit(beyond(s))
}
