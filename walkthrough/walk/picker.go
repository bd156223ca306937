package walk

import (
	"strings"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"

	"glasskv/walkthrough/screen"
)

// picker is a list to choose from. Its items are numbers, drawn when they are on the
// screen: a file may hold many requests.
type picker struct {
	title string
	count int
	line  func(i, width int, current bool) string
	text  func(i int) string // what a search looks at; nil: nothing is searched
	pick  func(i int)
	found []int  // the items that the search leaves; nil: all
	typed string // what is looked for
	at    int    // the line that is chosen
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

// longestSearch bounds what is looked for; more than that was pasted by mistake.
const longestSearch = 80

// look searches for other words. Where they have grown, what was found before is
// enough to look through.
func (p *picker) look(words string) {
	if p.text == nil || len(words) > longestSearch {
		return
	}
	before := strings.ToLower(p.typed)
	p.typed = words
	asked := strings.ToLower(words)
	if asked != before {
		p.search(asked, p.found != nil && strings.HasPrefix(asked, before))
	}
}

// search finds the items that hold the words. Of those found before only, when the
// words have grown.
func (p *picker) search(asked string, narrower bool) {
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

// draw returns exactly height lines of the list: the title, the search, the items.
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

// searchPrompt stands before what is looked for.
const searchPrompt = "/ "

// cursor is the column behind what is looked for.
func (p *picker) cursor() int { return screen.Width(searchPrompt + screen.Escape(p.typed)) }

// pressPicker gives a key to the list that lies over the panes.
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
		p.look("")
	case "backspace", "ctrl+h":
		_, last := utf8.DecodeLastRuneInString(p.typed)
		p.look(p.typed[:len(p.typed)-last])
	default:
		if p.text != nil {
			p.look(p.typed + msg.Key().Text)
			return nil
		}
		return m.pressLetter(pressed)
	}
	return nil
}

// pressLetter takes the letters that are free where nothing is searched. A digit
// chooses the item of that number.
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

// leavePicker closes the list. Where one has to choose it ends the walk.
func (m *model) leavePicker() tea.Cmd {
	if m.tour == nil {
		return tea.Quit
	}
	m.over = nil
	return nil
}
