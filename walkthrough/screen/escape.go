package screen

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes what a client sent safe to print: control characters, escape
// sequences, bytes that are not UTF-8, and the invisible characters that turn
// the direction of a line are written out, so that none of them can move the
// cursor, hide text or change what stands beside it.
func Escape(s string) string { return escape(s, "") }

// Quote is Escape for a name that stands in a line with others. Between
// quotation marks stands what is empty, has blanks in it, or could be taken for
// something else; there it reads as in a program.
func Quote(s string) string {
	if s != "" && plainASCII(s) && !strings.ContainsAny(s, ` "\`) {
		return s
	}
	if safe := escape(s, `"\`); safe != s || s == "" || strings.Contains(s, " ") {
		return `"` + safe + `"`
	}
	return s
}

// escape writes a backslash before the marked characters as well.
func escape(s, marked string) string {
	if plainASCII(s) && !strings.ContainsAny(s, marked) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strings.ContainsRune(marked, r):
			b.WriteByte('\\')
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
		i += size
	}
	return b.String()
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case r == '\r':
		return `\r`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
