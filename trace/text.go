package trace

import "unicode/utf8"

// ValidUTF8 returns s with a replacement character for every byte that is not part of
// valid UTF-8, as encoding/json writes it. Protobuf accepts no other text.
func ValidUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}
