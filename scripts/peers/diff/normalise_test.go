package diff

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// normalisers are what may be left out of a comparison, and nothing else. A
// story names them in front of the commands that need them. Each leaves what
// surrounds it as it is.
var normalisers = map[string]func(string) string{
	// How long something took: 1.234567ms.
	"took": replace(`\b\d+(\.\d+)?(ns|µs|ms|s)\b`, "<took>"),
	// IDs that the server or the client made up, where there is no name for
	// them: sessions and the keys of locks.
	"ids": replace(`\b[0-9a-f]{15,16}\b`, "<id>"),
	// How large a file is and how much of it is used, which follows from how
	// often it was committed.
	"sizes": replace(`\b\d+(?:\.\d+)? [kM]?B\b|\b\d+%|([sS]ize\w*"? ?: ?)\d+`, "${1}<size>"),
	// How wide a table's columns are, which follows from what is in them.
	"columns": replace(`([ ─])[ ─]*`, "$1"),
	// In which order things stand that are listed by an ID which was made up.
	"order": inOrder,
	// How much of a lease is left.
	"left": replace(`(remaining\(|"ttl":)\d+`, "${1}<left>"),
	// What the client's log says of the client itself: when, the address of a
	// structure, its own port.
	"log": replace(`("ts":")[^"]*|(//)0x[0-9a-f]+|(LocalAddr: ')[^']*`, "${1}${2}${3}<log>"),
}

func replace(pattern, with string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(text string) string { return re.ReplaceAllString(text, with) }
}

// inOrder sorts the words of a text.
func inOrder(text string) string {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n,\"{}[]", r) })
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestNormalisersLeaveTheRest(t *testing.T) {
	for _, tt := range []struct{ name, in, out string }{
		{"took", "is healthy: took = 1.5ms for 3 keys", "is healthy: took = <took> for 3 keys"},
		{"ids", "door/694d9a1b2c3d4e5f held 12 times", "door/<id> held 12 times"},
		{"sizes", "3.7.3, 20 kB, true", "3.7.3, <size>, true"},
		{"columns", "┌────┐│ a │    b │", "┌─┐│ a │ b │"},
		{"order", "\"b=2,a=1\"\nc", "a=1 b=2 c"},
		{"left", "granted with TTL(60s), remaining(59s)", "granted with TTL(60s), remaining(<left>s)"},
		{"sizes", `{"dbSize":20480,"rev":5}`, `{"dbSize":<size>,"rev":5}`},
		{"log",
			`{"ts":"2026-01-01","target":"etcd://0xc0001/x","peer":"Addr: 'a:1', LocalAddr: 'b:2'"}`,
			`{"ts":"<log>","target":"etcd://<log>/x","peer":"Addr: 'a:1', LocalAddr: '<log>'"}`,
		},
	} {
		if got := normalisers[tt.name](tt.in); got != tt.out {
			t.Errorf("%s: %q became %q, want %q", tt.name, tt.in, got, tt.out)
		}
	}
}
