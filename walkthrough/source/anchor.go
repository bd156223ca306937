package source

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An anchor names a place inside a declaration, "at WHAT [TEXT] [n]". Function
// literals inside belong to it. n counts from 1 in the order of the source and
// is 1 when it is left out.
//
//	at call X      a call of what is written X, or ends with .X
//	at select      a select; so too: for, if, switch, go, defer, return
//	at if TEXT     an if whose condition contains TEXT; so too, by what stands
//	               behind the word: for, switch, go, defer, return
//	at case TEXT   a case, of a switch or a select, whose list contains TEXT; or "default"
//	at send X      a send on a channel that is written X, or ends with .X
//	at recv X      a receive from such a channel
//	at assign X    an assignment or a declaration that has X on its left
//	at field X     a field of a struct type
//	at method X    a method of an interface type
type anchor struct {
	what string
	text string
	n    int
}

// Those that are nothing without a text, and those that may have one.
var (
	named      = []string{"call", "case", "send", "recv", "assign", "field", "method"}
	statements = []string{"select", "for", "if", "switch", "go", "defer", "return"}
)

var errNotAnchor = errors.New(`want "at WHAT [TEXT] [n]"; WHAT is one of ` +
	strings.Join(named, ", ") + ", which take a text, " + strings.Join(statements, ", ") + ", which may")

// parseAnchor reads an anchor. Where the last of several words is a number there
// are two ways to read it, as in `at case len(x) == 2`: as a part of the text,
// which counts when the source has it, or as n. The error says how anchors are
// written.
func parseAnchor(text string) (readings []anchor, err error) {
	words := strings.Fields(text)
	if len(words) < 2 || words[0] != "at" {
		return nil, fmt.Errorf("%q: %w", text, errNotAnchor)
	}
	what, rest := words[1], words[2:]
	statement := slices.Contains(statements, what)
	if len(rest) == 0 && !statement || !statement && !slices.Contains(named, what) {
		return nil, fmt.Errorf("%q: %w", text, errNotAnchor)
	}
	whole := anchor{what, strings.Join(rest, " "), 1}
	last := len(rest) - 1
	if last < 0 {
		return []anchor{whole}, nil
	}
	n, err := strconv.Atoi(rest[last])
	if counted := (anchor{what, strings.Join(rest[:last], " "), n}); err == nil && n > 0 {
		switch {
		case last > 0:
			return []anchor{whole, counted}, nil
		case statement:
			return []anchor{counted}, nil
		}
	}
	return []anchor{whole}, nil
}

// matches tells whether what is written in the source is what the anchor says.
func (a anchor) matches(written string) bool {
	switch a.what {
	case "call", "send", "recv", "assign":
		return written == a.text || strings.HasSuffix(written, "."+a.text)
	case "field", "method":
		return written == a.text
	}
	return strings.Contains(written, a.text)
}

// nothing is the error for an anchor that is not in the declaration.
func (a anchor) nothing(symbol string, there []string) error {
	wanted := a.what
	if a.text != "" {
		wanted += " " + a.text
	}
	if a.n > 1 {
		wanted += " " + strconv.Itoa(a.n)
	}
	if len(there) == 0 {
		return fmt.Errorf("no %s in %s, which has none at all", wanted, symbol)
	}
	const most = 30
	seen := make([]string, 0, len(there))
	for _, t := range there {
		if t != "" && !slices.Contains(seen, t) {
			seen = append(seen, t)
		}
	}
	if len(seen) == 0 {
		return fmt.Errorf("no %s in %s, which has %d", wanted, symbol, len(there))
	}
	more := ""
	if len(seen) > most {
		seen, more = seen[:most], ", …"
	}
	return fmt.Errorf("no %s in %s; there is: %s%s", wanted, symbol, strings.Join(seen, ", "), more)
}
