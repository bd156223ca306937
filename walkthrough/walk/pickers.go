package walk

import (
	"strconv"

	"glasskv/trace"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

// marked puts the sign of the chosen line in front.
func marked(text string, current bool, width int) string {
	if current {
		return "▸ " + screen.Current.Paint(fit(text, width-markColumns))
	}
	return "  " + text
}

// chooseRequest lists the requests by their begin.
func (m *model) chooseRequest() *picker {
	p := &picker{
		title: m.lang.Say("%d requests: which one?", "%d 个请求，走哪一个？", len(m.requests)),
		count: len(m.requests),
		line: func(i, width int, current bool) string {
			return marked(m.requestLine(m.requests[i], width-markColumns), current, width)
		},
		text: func(i int) string {
			title, code, _ := headline(m.requests[i], m.lang)
			return title + " " + code + " " + m.requests[i].TraceID
		},
		pick: func(i int) { m.begin(m.requests[i]) },
	}
	if m.tour != nil {
		for i, t := range m.requests {
			if t == m.tour.Timeline {
				p.at = i
			}
		}
	}
	return p
}

func (m *model) requestLine(t *trace.Timeline, width int) string {
	const took, code = 10, 12
	title, outcome, duration := headline(t, m.lang)
	begin := ""
	if !t.Start.IsZero() {
		begin = t.Start.UTC().Format("15:04:05.000  ")
	}
	room := width - screen.Width(begin) - took - code
	return begin + screen.Left(screen.Middle(title, room-1), room) + screen.Left(screen.Cut(outcome, code-1), code) + screen.Right(duration, took)
}

// findStage lists the stops of the tour, then every other stage that there is.
func (m *model) findStage() *picker {
	stops := len(m.tour.Stops)
	var others []trace.Stage
	for _, spec := range trace.Specs() {
		if m.tour.Index(spec.Stage) < 0 {
			others = append(others, spec.Stage)
		}
	}
	return &picker{
		title: m.lang.Pick("Find a stage: of this request, or any other", "查找阶段：这个请求经过的，或其他任何一个"),
		count: stops + len(others),
		line: func(i, width int, current bool) string {
			if i < stops {
				return m.stopLine(i, width, current)
			}
			return marked(screen.Dim.Paint(others[i-stops].String()+between+m.lang.Text(trace.SpecOf(others[i-stops])).Note), current, width)
		},
		text: func(i int) string {
			if i < stops {
				return name(&m.tour.Stops[i], m.lang)
			}
			return others[i-stops].String()
		},
		pick: func(i int) {
			if i < stops {
				m.visit(at(i))
				return
			}
			m.visit(beyond(others[i-stops]))
		},
	}
}

// allStops lists the stops of the tour with wide bars.
func (m *model) allStops() *picker {
	return &picker{
		title: m.lang.Say("%d stops", "共 %d 站", len(m.tour.Stops)),
		count: len(m.tour.Stops),
		at:    max(0, m.at.stop),
		line:  m.stopLine,
		pick:  func(i int) { m.visit(at(i)) },
	}
}

// jumpsOf returns the chapter's jumps of a kind. At a piece of source that a jump led
// to there are none: the chapter is not about it.
func (m *model) jumpsOf(kind chapter.JumpKind) (out []tour.Jump) {
	if m.at.symbol != "" {
		return nil
	}
	for _, j := range m.tour.Jumps(m.stop(), m.lang) {
		if j.Kind == kind {
			out = append(out, j)
		}
	}
	return out
}

// chooseJump lists the jumps of a kind.
func (m *model) chooseJump(kind chapter.JumpKind, all []tour.Jump) *picker {
	return &picker{
		title: m.hereName() + between + jumpWord(kind, m.lang),
		count: len(all),
		line: func(i, width int, current bool) string {
			text := strconv.Itoa(i+1) + "  " + jumpName(&all[i])
			if all[i].Note != "" {
				text += " — " + screen.Escape(all[i].Note)
			}
			return marked(text, current, width)
		},
		pick: func(i int) { m.follow(all[i]) },
	}
}

func (m *model) hereName() string {
	if m.at.symbol != "" {
		return short(m.at.symbol)
	}
	return name(m.stop(), m.lang)
}
