package extend

import (
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is the file that holds the recipes, from this folder.
const document = "../../docs/extending.md"

// listing is what the document says of one recipe. Its words in capitals are replaced
// with those of the example.
type listing struct {
	files    []string // patterns, as path.Match takes them
	commands []string
	written  []string // patterns of the files that the commands write
}

var (
	listedFile    = regexp.MustCompile("^(\\d+)\\. `([^`]+)`: ")
	writtenFile   = regexp.MustCompile(`[\w.*-]+(/[\w.*-]+)+`)
	commandsBegin = "```sh"
	commandsEnd   = "```"
)

// read returns the listing below the heading of an example.
func read(t *testing.T, e *example) *listing {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+e.heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", document, e.heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	for word, value := range e.words {
		section = strings.ReplaceAll(section, word, value)
	}
	l := &listing{}
	inCommands := false
	for line := range strings.Lines(section) {
		line = strings.TrimSpace(line)
		switch m := listedFile.FindStringSubmatch(line); {
		case line == commandsBegin:
			inCommands = true
		case line == commandsEnd:
			inCommands = false
		case inCommands:
			command, comment, _ := strings.Cut(line, " # ")
			l.commands = append(l.commands, strings.TrimSpace(command))
			l.written = append(l.written, writtenFile.FindAllString(comment, -1)...)
		case m != nil:
			if want := fmt.Sprint(len(l.files) + 1); m[1] != want {
				t.Errorf("%s: file %s has the number %s, want %s", e.heading, m[2], m[1], want)
			}
			l.files = append(l.files, m[2])
		}
	}
	return l
}

// differences compares files with patterns: it returns a line for each file that matches
// no pattern, and for each pattern that no file matches.
func differences(files, patterns []string) (lines []string) {
	matches := func(pattern, file string) bool {
		ok, err := path.Match(pattern, file)
		return ok && err == nil
	}
	for _, file := range files {
		if !slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, file) }) {
			lines = append(lines, file+" is touched and not listed")
		}
	}
	for _, pattern := range patterns {
		if !slices.ContainsFunc(files, func(file string) bool { return matches(pattern, file) }) {
			lines = append(lines, pattern+" is listed and not touched")
		}
	}
	return lines
}
