package screen

import (
	"strings"

	"charm.land/lipgloss/v2"

	"glasskv/trace"
)

// Role says what a piece of text is; the palette decides how it looks.
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
	Current // where one is in a list
	numRoles
)

// The colours are of middle lightness, so that each stands out on white and on
// black alike and the terminal need not be asked which it is (asking would
// write to it and wait). A test holds the contrast. They also differ in hue for
// people who cannot tell red from green, and no meaning hangs on colour alone.
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

// look is what stands before and behind a painted text.
type look struct{ open, close string }

var looks = buildLooks()

// buildLooks renders each style once: hundreds of pieces are painted in a
// timeline, and all of a role are painted alike.
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

// Paint gives a text the look of its role. The Writer takes away what the
// screen cannot show.
func (r Role) Paint(s string) string {
	if r == Plain || s == "" {
		return s
	}
	return looks[r].open + s + looks[r].close
}

// RoleOf returns the role of a kind of time.
func RoleOf(k trace.Kind) Role {
	switch k {
	case trace.KindWork:
		return Work
	case trace.KindQueue:
		return Queue
	case trace.KindDisk:
		return Disk
	case trace.KindNetwork:
		return Network
	case trace.KindConsensus:
		return Consensus
	case trace.KindHeld:
		return Held
	}
	return Unknown
}
