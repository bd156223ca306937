package ctl

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// words cuts a line at its spaces. A word in double quotes is read as Go reads
// a string, one in single quotes is taken as it stands.
func words(line string) ([]string, error) {
	var out []string
	for {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		if line == "" {
			return out, nil
		}
		word, rest, err := nextWord(line)
		if err != nil {
			return nil, err
		}
		out, line = append(out, word), rest
	}
}

// nextWord takes the first word off a line that does not begin with a space.
func nextWord(line string) (word, rest string, err error) {
	switch line[0] {
	case '"':
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return "", "", fmt.Errorf("bad string in %s", line)
		}
		word, err = strconv.Unquote(quoted)
		return word, line[len(quoted):], err
	case '\'':
		end := strings.IndexByte(line[1:], '\'')
		if end < 0 {
			return "", "", fmt.Errorf("no closing quote in %s", line)
		}
		return line[1 : end+1], line[end+2:], nil
	}
	end := strings.IndexFunc(line, unicode.IsSpace)
	if end < 0 {
		end = len(line)
	}
	return line[:end], line[end:], nil
}
