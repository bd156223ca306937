package walk

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"glasskv/walkthrough/screen"
)

// pane is a part of the screen: a title, and as many lines of a page as fit.
type pane struct {
	title   string
	page    *page
	top     int // the first line shown; follow: where the mark is
	focused bool
}

// draw returns exactly height lines of exactly width columns.
func (p pane) draw(width, height int) []string {
	if height <= 0 {
		return nil
	}
	top := p.first(height - 1)
	lines := append(make([]string, 0, height), p.head(width, height-1, top))
	for i := top; len(lines) < height; i++ {
		if i < len(p.page.lines) {
			lines = append(lines, fit(p.page.lines[i], width))
		} else {
			lines = append(lines, screen.Blank(width))
		}
	}
	return lines
}

// first is the first line shown where there is room for as many lines.
func (p pane) first(room int) int {
	top := p.top
	if top == follow {
		top = max(0, p.page.mark-room/3)
	}
	return max(0, min(top, len(p.page.lines)-room))
}

// head is the title in a rule, with how far one has read.
func (p pane) head(width, room, top int) string {
	role, lead := screen.Dim, "── "
	if p.focused {
		role, lead = screen.Strong, "━━ "
	}
	end := " " + lead[:len(lead)-1]
	if all := len(p.page.lines); all > room {
		end = fmt.Sprintf(" %d–%d/%d%s", top+1, min(all, top+room), all, end)
	}
	title := screen.Middle(p.title, width-screen.Width(lead)-screen.Width(end)-1)
	rule := strings.Repeat(lead[:len("─")], max(0, width-screen.Width(lead)-screen.Width(title)-screen.Width(end)-1))
	return role.Paint(lead+title+" "+rule) + screen.Dim.Paint(end)
}

// fit shortens a painted line to width columns, or fills it up.
func fit(line string, width int) string {
	if screen.Width(line) > width {
		line = ansi.Truncate(line, width, "…")
	}
	return screen.Left(line, width)
}

// scroll moves the pane that has the focus.
func (m *model) scroll(by int) {
	p, room := m.pane(m.focus)
	top := min(max(p.first(room)+by, 0), max(0, len(p.page.lines)-room))
	if m.focus == onSource {
		m.at.sourceTop = top
	} else {
		m.at.chapterTop = top
	}
}

func (m *model) scrollPage(pages int) {
	_, room := m.pane(m.focus)
	m.scroll(pages * max(1, room-2))
}
