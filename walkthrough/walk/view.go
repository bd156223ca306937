package walk

import (
	"bytes"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/walk/tour"
)

// The sizes of the screen at which its arrangement changes.
const (
	leastWidth  = 40
	leastHeight = 8
	wideFrom    = 100 // the list is shown beside the panes
	tallFrom    = 34  // both panes are shown even without the list
	splitFrom   = 16  // lower than this, one pane is shown
	headRows    = 2
	footRows    = 1
)

// View implements tea.Model. It draws the whole screen.
func (m *model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	if m.over != nil && m.over.text != nil && !m.help && m.held == nil {
		v.Cursor = tea.NewCursor(min(m.over.cursor(), m.width-1), headRows+1)
	}
	return v
}

func (m *model) screen() string {
	if m.width < leastWidth || m.height < leastHeight {
		return screen.Cut(m.lang.Say("enlarge to %d×%d", "请放大到 %d×%d", leastWidth, leastHeight), m.width)
	}
	lines := append(m.head(), m.body()...)
	lines = append(lines, m.foot())
	text := strings.Join(lines, "\n")
	if m.ascii {
		return asciiOnly(text)
	}
	return text
}

// asciiOnly replaces all characters that are not ASCII. It keeps colours.
func asciiOnly(text string) string {
	var b bytes.Buffer
	w := screen.NewWriter(&b, screen.Options{ASCII: true, Profile: colorprofile.TrueColor})
	w.Line(text)
	_ = w.Close() // a buffer takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

func (m *model) bodyHeight() int { return m.height - headRows - footRows }

func (m *model) body() []string {
	height := m.bodyHeight()
	switch {
	case m.help:
		return column(m.helpLines(m.width-1, height), m.width, height)
	case m.held != nil:
		return m.heldPane().draw(m.width, height)
	case m.over != nil:
		return m.over.draw(m.width, height)
	case !m.split():
		p, _ := m.pane(m.focus)
		return p.draw(m.width, height)
	}
	chapter, chapterRows := m.pane(onChapter)
	source, sourceRows := m.pane(onSource)
	width := m.paneColumns()
	panes := append(chapter.draw(width, chapterRows+1), source.draw(width, sourceRows+1)...)
	if m.width < wideFrom {
		return panes
	}
	list := m.stopList(m.listColumns(), height)
	for i := range panes {
		panes[i] = list[i] + screen.Dim.Paint(separator) + panes[i]
	}
	return panes
}

// separator is drawn between the list and the panes.
const separator = " │ "

// split reports whether both panes are on the screen.
func (m *model) split() bool {
	return !m.zoom && m.height >= splitFrom && (m.width >= wideFrom || m.height >= tallFrom)
}

// listColumns returns the width of the list beside the panes.
func (m *model) listColumns() int { return min(max(m.width*35/100, 40), 56) }

func (m *model) paneColumns() int {
	if m.split() && m.width >= wideFrom {
		return m.width - m.listColumns() - screen.Width(separator)
	}
	return max(m.width, leastWidth) // on a smaller screen nothing is drawn
}

// pane returns one of the two panes as it is now, and how many lines of text it shows.
func (m *model) pane(n paneName) (pane, int) {
	width, height := m.paneColumns(), m.bodyHeight()
	if m.split() {
		upper := height / 2
		if n == onSource {
			upper = height - upper
		}
		height = upper
	}
	p := pane{focused: n == m.focus}
	if n == onChapter {
		p.title, p.layout, p.top = m.chapterTitle(), m.chapter(width), m.at.chapterTop
		return p, height - 1
	}
	p.title, p.top = m.sourceTitle(width)
	p.layout, _ = m.source(width)
	return p, height - 1
}

func (m *model) chapterTitle() string {
	s := m.stop()
	title := stopName(s, m.lang)
	if c, ok := s.Chapter(m.lang); ok {
		title += m.lang.Pick(": ", "：") + screen.Escape(c.Title)
	}
	return title
}

// sourceTitle returns the function, its file and its version.
func (m *model) sourceTitle(width int) (title string, top int) {
	q, ok := m.quote()
	if !ok {
		return m.lang.Pick("source", "源码"), 0
	}
	title = shortName(q.Symbol)
	if all := len(m.quotes()); all > 1 {
		title = fmt.Sprintf("[%d/%d] %s", min(m.at.quote, all-1)+1, all, title)
	}
	if _, e := m.source(width); e != nil {
		title += middot + screen.Escape(e.Name) + middot + screen.Escape(e.Module)
	}
	return title, m.at.sourceTop
}

// head returns the lines that say which request this is, and where on its path the
// reader is.
func (m *model) head() []string {
	if m.tour == nil {
		return []string{fit(screen.Strong.Paint("glasskv walk"), m.width), screen.Blank(m.width)}
	}
	title, code, took := headline(m.tour.Timeline, m.lang)
	role := screen.Good
	if code != "OK" {
		role = screen.Bad
	}
	right := "  " + code + "  " + took
	left := screen.Middle(title, m.width-screen.Width(right))
	first := screen.Strong.Paint(left) + "  " + role.Paint(code) + "  " + took
	return []string{fit(first, m.width), fit(m.position(), m.width)}
}

// position returns the names of this stop and of its neighbours.
func (m *model) position() string {
	s := m.stop()
	if m.at.stop < 0 {
		return screen.Warn.Paint("◂ "+stopName(s, m.lang)) + screen.Dim.Paint(m.lang.Pick("  not on this request's path; Backspace goes back", "  不在这个请求的路径上；按 Backspace 返回"))
	}
	all := m.tour.Stops
	text := screen.Dim.Paint(fmt.Sprintf("%d/%d  ", m.at.stop+1, len(all)))
	if m.at.stop > 0 {
		text += screen.Dim.Paint(screen.Middle(stopName(&all[m.at.stop-1], m.lang), m.width/4) + " ← ")
	}
	text += roleOfStop(s).Paint("● ") + screen.Strong.Paint(screen.Middle(stopName(s, m.lang), m.width/3))
	if m.at.stop+1 < len(all) {
		text += screen.Dim.Paint(" → " + screen.Middle(stopName(&all[m.at.stop+1], m.lang), m.width/4))
	}
	return text
}

// foot returns the status, or the most important keys.
func (m *model) foot() string {
	if m.status != "" {
		return fit(screen.Warn.Paint(screen.Cut(m.status, m.width)), m.width)
	}
	say := m.lang.Pick
	var keys []string
	switch {
	case m.help:
		keys = []string{say("any key closes this", "按任意键关闭")}
	case m.held != nil:
		keys = []string{say("s step to the next stage", "s 走到下一个阶段"), say("c continue", "c 继续执行"), say("↑/↓ scroll", "↑/↓ 滚动"), say("q leave", "q 退出")}
	case m.over != nil:
		keys = []string{say("↑/↓ choose", "↑/↓ 选择"), say("Enter go there", "Enter 前往"), say("Esc close", "Esc 关闭")}
	default:
		other := say("Tab source", "Tab 源码")
		if m.focus == onSource {
			other = say("Tab chapter", "Tab 正文")
		}
		keys = []string{
			say("? keys", "? 按键"), say("q leave", "q 退出"), say("←/→ path", "←/→ 前后站"), say("↑/↓ scroll", "↑/↓ 滚动"), other,
			say("o all stops", "o 所有站点"), say("Backspace back", "Backspace 返回"),
			say("c caller", "c 调用者"), say("e callee", "e 被调用"), say("h hand-over", "h 交接"), say("s full", "s 全屏"), say("/ find", "/ 查找"),
		}
	}
	return fit(screen.Dim.Paint(joinFitting(keys, "  ", m.width)), m.width)
}

// joinFitting joins as many of the words as fit into width.
func joinFitting(words []string, by string, width int) string {
	line := ""
	for i, w := range words {
		if i > 0 {
			w = by + w
		}
		if screen.Width(line)+screen.Width(w) > width {
			break
		}
		line += w
	}
	return line
}

// column returns exactly height lines of exactly width columns: the given ones, indented
// by a blank.
func column(lines []string, width, height int) []string {
	out := make([]string, height)
	for i := range out {
		if i < len(lines) {
			out[i] = fit(" "+lines[i], width)
		} else {
			out[i] = screen.Blank(width)
		}
	}
	return out
}

func roleOfStop(s *tour.Stop) screen.Role {
	if s.Stage == stages.None {
		return screen.Plain
	}
	return screen.RoleOf(stages.SpecOf(s.Stage).Kind)
}

// pane is a part of the screen: a title, and as many lines of a layout as fit.
type pane struct {
	title   string
	layout  *layout
	top     int // the first visible line, or topAtMark
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
		if i < len(p.layout.lines) {
			lines = append(lines, fit(p.layout.lines[i], width))
		} else {
			lines = append(lines, screen.Blank(width))
		}
	}
	return lines
}

// first returns the first visible line in a pane with space for room lines.
func (p pane) first(room int) int {
	top := p.top
	if top == topAtMark {
		top = max(0, p.layout.mark-room/3)
	}
	return max(0, min(top, len(p.layout.lines)-room))
}

// head returns the title in a rule, with the numbers of the visible lines.
func (p pane) head(width, room, top int) string {
	role, lead := screen.Dim, "── "
	if p.focused {
		role, lead = screen.Strong, "━━ "
	}
	end := " " + lead[:len(lead)-1]
	if all := len(p.layout.lines); all > room {
		end = fmt.Sprintf(" %d–%d/%d%s", top+1, min(all, top+room), all, end)
	}
	title := screen.Middle(p.title, width-screen.Width(lead)-screen.Width(end)-1)
	rule := strings.Repeat(lead[:len("─")], max(0, width-screen.Width(lead)-screen.Width(title)-screen.Width(end)-1))
	return role.Paint(lead+title+" "+rule) + screen.Dim.Paint(end)
}

// fit cuts a painted line to width columns, or fills it up with blanks.
func fit(line string, width int) string {
	if screen.Width(line) > width {
		line = ansi.Truncate(line, width, "…")
	}
	return screen.Left(line, width)
}

// scroll scrolls the focused pane by a number of lines.
func (m *model) scroll(by int) {
	p, room := m.pane(m.focus)
	top := min(max(p.first(room)+by, 0), max(0, len(p.layout.lines)-room))
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

// The layout of the list of stops, apart from the names.
const (
	markColumns = 2
	tookColumns = 9
	deepest     = 8 // stops below this level of the tree are not indented further
)

// barColumns returns the width of the bars in a list of that width.
func barColumns(width int) int {
	switch {
	case width < 34:
		return 0
	case width < 48:
		return 6
	case width < 60:
		return width / 4
	}
	return width / 3
}

// stopList returns height lines of the list of stops, around the current one.
func (m *model) stopList(width, height int) []string {
	all := len(m.tour.Stops)
	top := max(0, min(m.at.stop-height/2, all-height))
	lines := make([]string, 0, height)
	for i := top; i < all && len(lines) < height; i++ {
		lines = append(lines, m.stopLine(i, width, i == m.at.stop))
	}
	if loose := m.tour.Unexplained(); len(lines) < height && loose > 0 {
		text := m.lang.Pick("unexplained", "未解释")
		lines = append(lines, fit(screen.Dim.Paint("  "+screen.Left(text, width-markColumns-tookColumns-barColumns(width)-1)+screen.Right(screen.Duration(loose), tookColumns)), width))
	}
	for len(lines) < height {
		lines = append(lines, screen.Blank(width))
	}
	return lines
}

// stopLine returns a line about one stop: its name, indented as in the tree, its
// duration, and its bar.
func (m *model) stopLine(i, width int, current bool) string {
	s := &m.tour.Stops[i]
	bar := barColumns(width)
	depth := min(s.Depth, deepest)
	room := width - markColumns - depth - tookColumns - bar - 1
	text := screen.Left(screen.Middle(stopName(s, m.lang), room), room)
	took := screen.Duration(s.Took)
	if isConnLife(s) {
		took = ""
	}
	mark := "  "
	if current {
		mark = "▸ "
		text = screen.Current.Paint(text)
	} else if s.Waited > 0 {
		text = screen.Strong.Paint(text)
	}
	line := mark + screen.Blank(depth) + text + screen.Right(took, tookColumns)
	if bar > 0 {
		line += " " + m.bar(s, bar)
	}
	return line
}

// bar draws a stop on the request's time axis: thick while the request waited in it, thin
// while it was only under way.
func (m *model) bar(s *tour.Stop, columns int) string {
	const halves = 2
	total := max(1, m.tour.Timeline.DurationNS)
	strong, thin := make([]bool, columns*halves), make([]bool, columns*halves)
	paint := func(cells []bool, begin, end int64) {
		if end < 0 || begin > total || end <= begin {
			return
		}
		n := int64(len(cells))
		from, to := max(0, begin)*n/total, min(total, end)*n/total
		for i := min(from, n-1); i <= min(max(from, to-1), n-1); i++ {
			cells[i] = true
		}
	}
	if s.Part != nil {
		paint(thin, s.Part.BeginNS, s.Part.EndNS)
	}
	for _, st := range s.Times {
		paint(thin, st.BeginNS, st.EndNS)
	}
	for _, w := range s.Waits {
		paint(strong, w.BeginNS, w.EndNS)
	}
	var b strings.Builder
	for c := range columns {
		left, right := c*halves, c*halves+1
		b.WriteString(cell(strong[left], strong[right], thin[left] || thin[right]))
	}
	bar := b.String()
	if strings.TrimSpace(bar) == "" && s.Row != nil && s.Row.EndNS <= 0 {
		bar = screen.Left("◂", columns) // before the request
	}
	return roleOfStop(s).Paint(bar)
}

// cell returns the character for one column of a bar. left and right say which halves of
// the column are thick. If neither is, thin says whether the column is thin or empty.
func cell(left, right, thin bool) string {
	switch {
	case left && right:
		return "█"
	case left:
		return "▌"
	case right:
		return "▐"
	case thin:
		return "─"
	}
	return " "
}
