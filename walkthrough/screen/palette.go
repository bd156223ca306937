package screen

import (
	"strings"

	"charm.land/lipgloss/v2"

	"glasskv/trace/stages"
)

// Role says what a piece of text is. The palette gives each role a look.
type Role uint8

// The roles.
const (
	Plain Role = iota
	Strong
	Dim
	Good
	Bad
	Warn
	Work
	Queue
	Disk
	Network
	Consensus
	Held
	Unknown // unexplained time, and stages without a kind
	Code    // a name of the program in a sentence
	Keyword // in source
	Literal // strings and numbers in source
	Comment // in source
	Current // the selected entry of a list
	numRoles
)

// hues are the colours of the roles. All have a middle lightness, so that they are
// legible on white and on black; the terminal's background is not queried, because a
// query writes to the terminal and waits for it. A test checks the contrast. The hues
// can be distinguished by people who confuse red and green, and no meaning is carried
// by colour alone.
var hues = [numRoles]string{
	Good:      "#1f9d6b",
	Bad:       "#e0533d",
	Warn:      "#b9770e",
	Work:      "#1f9d6b",
	Queue:     "#b763c9",
	Disk:      "#cc7a00",
	Network:   "#3f86e0",
	Consensus: "#a38400",
	Held:      "#d6457f",
	Unknown:   "#808080",
	Code:      "#2a8fa0",
	Keyword:   "#9673d8",
	Literal:   "#5f8f3a",
	Comment:   "#7a7f88",
}

// look is a pair of escape sequences: written before and after a painted text.
type look struct{ open, close string }

var looks = buildLooks()

// buildLooks renders each style once, because a timeline paints hundreds of pieces.
func buildLooks() (all [numRoles]look) {
	for role := range all {
		style := lipgloss.NewStyle().Inline(true)
		if hues[role] != "" {
			style = style.Foreground(lipgloss.Color(hues[role]))
		}
		switch Role(role) {
		case Strong, Good, Bad:
			style = style.Bold(true)
		case Dim:
			style = style.Faint(true)
		case Current:
			style = style.Reverse(true)
		}
		const text = "x"
		all[role].open, all[role].close, _ = strings.Cut(style.Render(text), text)
	}
	return all
}

// Paint returns s with the look of the role. The Writer later removes the colours
// that the screen cannot show.
func (r Role) Paint(s string) string {
	if r == Plain || s == "" {
		return s
	}
	return looks[r].open + s + looks[r].close
}

// RoleOf returns the role of a kind of time.
func RoleOf(k stages.Kind) Role {
	switch k {
	case stages.KindWork:
		return Work
	case stages.KindQueue:
		return Queue
	case stages.KindDisk:
		return Disk
	case stages.KindNetwork:
		return Network
	case stages.KindConsensus:
		return Consensus
	case stages.KindHeld:
		return Held
	}
	return Unknown
}
