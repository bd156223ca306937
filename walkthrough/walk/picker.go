package walk

import (
	"strconv"
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

// picker is a list to choose from. It knows its items only by index, and draws those on
// the screen, because a file may have very many requests.
type picker struct {
	title string
	count int
	line  func(i, width int, current bool) string
	text  func(i int) string // the text of an item that is searched; nil: there is no search
	pick  func(i int)
	found []int  // the items that match the search; nil: all
	typed string // the search, as typed
	at    int    // the selected line, an index into the matching items
}

func (p *picker) len() int {
	if p.found != nil {
		return len(p.found)
	}
	return p.count
}

func (p *picker) item(at int) int {
	if p.found != nil {
		return p.found[at]
	}
	return at
}

// longestSearch limits the search, in bytes. A longer text was pasted by mistake.
const longestSearch = 80

// setSearch changes the search. If it only grew, the items that matched before are enough
// to look through.
func (p *picker) setSearch(words string) {
	if p.text == nil || len(words) > longestSearch {
		return
	}
	before := strings.ToLower(p.typed)
	p.typed = words
	asked := strings.ToLower(words)
	if asked != before {
		p.filter(asked, p.found != nil && strings.HasPrefix(asked, before))
	}
}

// filter finds the items that contain the words, which are in lower case. If narrower is
// set, it looks only through the items that it found before.
func (p *picker) filter(asked string, narrower bool) {
	from := p.found
	p.at = 0
	if asked == "" {
		p.found = nil
		return
	}
	found := make([]int, 0, 16)
	matches := func(i int) {
		if strings.Contains(strings.ToLower(p.text(i)), asked) {
			found = append(found, i)
		}
	}
	if narrower {
		for _, i := range from {
			matches(i)
		}
	} else {
		for i := range p.count {
			matches(i)
		}
	}
	p.found = found
}

func (p *picker) move(by int) { p.at = max(0, min(p.at+by, p.len()-1)) }

// draw returns exactly height lines: the title, the search, the items.
func (p *picker) draw(width, height int) []string {
	lines := []string{fit(screen.Strong.Paint("━━ "+screen.Cut(p.title, width-4)), width)}
	if p.text != nil {
		lines = append(lines, fit(searchPrompt+screen.Escape(p.typed), width))
	}
	room := height - len(lines)
	top := max(0, min(p.at-room/2, p.len()-room))
	for i := top; i < p.len() && len(lines) < height; i++ {
		lines = append(lines, fit(p.line(p.item(i), width, i == p.at), width))
	}
	for len(lines) < height {
		lines = append(lines, screen.Blank(width))
	}
	return lines[:max(0, height)]
}

// searchPrompt is shown in front of the search.
const searchPrompt = "/ "

// cursor returns the column after the search.
func (p *picker) cursor() int { return screen.Width(searchPrompt + screen.Escape(p.typed)) }

// pressPicker handles a key while a list is shown.
func (m *model) pressPicker(msg tea.KeyPressMsg) tea.Cmd {
	p := m.over
	switch pressed := msg.String(); pressed {
	case "esc":
		return m.leavePicker()
	case "enter":
		if p.len() > 0 {
			m.over = nil
			p.pick(p.item(p.at))
		}
	case "up", "ctrl+p", "shift+tab":
		p.move(-1)
	case "down", "ctrl+n", "tab":
		p.move(1)
	case "pgup":
		p.move(-m.bodyHeight())
	case "pgdown":
		p.move(m.bodyHeight())
	case "ctrl+u":
		p.setSearch("")
	case "backspace", "ctrl+h":
		_, last := utf8.DecodeLastRuneInString(p.typed)
		p.setSearch(p.typed[:len(p.typed)-last])
	default:
		if p.text != nil {
			p.setSearch(p.typed + msg.Key().Text)
			return nil
		}
		return m.pressLetter(pressed)
	}
	return nil
}

// pressLetter handles letters in a list without a search. A digit chooses the item of
// that number.
func (m *model) pressLetter(pressed string) tea.Cmd {
	switch p := m.over; {
	case pressed == "q":
		return m.leavePicker()
	case pressed == "k":
		p.move(-1)
	case pressed == "j":
		p.move(1)
	case pressed == "?":
		m.help = true
	case pressed >= "1" && pressed <= "9" && int(pressed[0]-'0') <= p.len():
		m.over = nil
		p.pick(p.item(int(pressed[0] - '1')))
	}
	return nil
}

// leavePicker closes the list, or ends the walk if no request has been chosen yet.
func (m *model) leavePicker() tea.Cmd {
	if m.tour == nil {
		return tea.Quit
	}
	m.over = nil
	return nil
}

// withMark puts the mark of the current line in front.
func withMark(text string, current bool, width int) string {
	if current {
		return "▸ " + screen.Current.Paint(fit(text, width-markColumns))
	}
	return "  " + text
}

// chooseRequest returns the list of the requests.
func (m *model) chooseRequest() *picker {
	p := &picker{
		title: m.lang.Say("%d requests: which one?", "%d 个请求，走哪一个？", len(m.requests)),
		count: len(m.requests),
		line: func(i, width int, current bool) string {
			return withMark(m.requestLine(m.requests[i], width-markColumns), current, width)
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

// requestLine returns a line about a request: its start, operation, outcome and duration.
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

// findStage returns the list of the tour's stops, followed by all other stages.
func (m *model) findStage() *picker {
	stops := len(m.tour.Stops)
	var others []stages.Stage
	for _, spec := range stages.Specs() {
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
			return withMark(screen.Dim.Paint(others[i-stops].String()+middot+chapter.TextOf(others[i-stops], m.lang).Note), current, width)
		},
		text: func(i int) string {
			if i < stops {
				return stopName(&m.tour.Stops[i], m.lang)
			}
			return others[i-stops].String()
		},
		pick: func(i int) {
			if i < stops {
				m.visit(atStop(i))
				return
			}
			m.visit(atStage(others[i-stops]))
		},
	}
}

// allStops returns the list of the tour's stops with wide bars.
func (m *model) allStops() *picker {
	return &picker{
		title: m.lang.Say("%d stops", "共 %d 站", len(m.tour.Stops)),
		count: len(m.tour.Stops),
		at:    max(0, m.at.stop),
		line:  m.stopLine,
		pick:  func(i int) { m.visit(atStop(i)) },
	}
}

// jumpsOf returns the chapter's jumps of a kind. It returns none at a piece of source that
// a jump led to, because the chapter is not about that.
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

// chooseJump returns the list of all jumps of a kind.
func (m *model) chooseJump(kind chapter.JumpKind, all []tour.Jump) *picker {
	return &picker{
		title: m.hereName() + middot + jumpWord(kind, m.lang),
		count: len(all),
		line: func(i, width int, current bool) string {
			text := strconv.Itoa(i+1) + "  " + jumpName(&all[i])
			if all[i].Note != "" {
				text += " — " + screen.Escape(all[i].Note)
			}
			return withMark(text, current, width)
		},
		pick: func(i int) { m.follow(all[i]) },
	}
}

// hereName returns the name of the current stop or function.
func (m *model) hereName() string {
	if m.at.symbol != "" {
		return shortName(m.at.symbol)
	}
	return stopName(m.stop(), m.lang)
}
