package house

import (
	"fmt"
	"iter"
	"path"
	"regexp"
	"strings"
	"unicode"
)

var (
	link       = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading    = regexp.MustCompile(`^#+ +(.*?) *#*$`)
	lineNumber = regexp.MustCompile(`\w\.go:\d+|\.go#L\d+`)
)

// checkLinks follows every relative link of every document to a file, a folder or a
// heading. It does not follow links to other hosts.
func checkLinks(t tree) []string {
	var problems []string
	for _, doc := range t.with(".md") {
		for n, line := range prose(t[doc]) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if problem := follow(t, doc, m[1]); problem != "" {
					problems = append(problems, fmt.Sprintf("%s:%d: %s", doc, n, problem))
				}
			}
		}
	}
	return problems
}

func follow(t tree, doc, target string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	file, anchor, _ := strings.Cut(target, "#")
	if file == "" {
		file = doc
	} else {
		file = path.Join(path.Dir(doc), file)
	}
	if !t.has(file) {
		return fmt.Sprintf("link to %s, which is not there", target)
	}
	if anchor != "" && strings.HasSuffix(file, ".md") && !hasHeading(t[file], anchor) {
		return fmt.Sprintf("link to %s, a heading that is not there", target)
	}
	return ""
}

func hasHeading(doc, anchor string) bool {
	for _, line := range prose(doc) {
		if m := heading.FindStringSubmatch(line); len(m) == 2 && slug(m[1]) == anchor {
			return true
		}
	}
	return false
}

// slug returns the anchor of a heading.
func slug(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, heading)
}

// prose yields the lines of a document that are not inside a code fence.
func prose(doc string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		n, fenced := 0, false
		for line := range strings.Lines(doc) {
			n++
			if strings.HasPrefix(strings.TrimSpace(line), "```") {
				fenced = !fenced
				continue
			}
			if !fenced && !yield(n, strings.TrimRight(line, "\r\n")) {
				return
			}
		}
	}
}

// checkLineNumbers finds line numbers of Go files in documents. Lines move with every
// edit; names of functions do not.
func checkLineNumbers(t tree) []string {
	var problems []string
	for _, doc := range t.with(".md") {
		for n, line := range prose(t[doc]) {
			if found := lineNumber.FindString(line); found != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %q: name the symbol instead", doc, n, found))
			}
		}
	}
	return problems
}
