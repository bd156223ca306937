package trace

import "unicode/utf8"

// text makes a text fit for protobuf, as encoding/json does: every byte that is
// no UTF-8 becomes a replacement character.
func ValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
