package house

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxLines is how long a Go file may be. A longer one has two subjects; a shorter one is as long as its subject.
const maxLines = 600

func checkLength(t tree) []string {
	var problems []string
	for _, name := range t.with(".go") {
		if strings.HasPrefix(t[name], "// Code generated ") {
			continue
		}
		if n := strings.Count(t[name], "\n"); n > maxLines {
			problems = append(problems, fmt.Sprintf("%s: %d lines, at most %d", name, n, maxLines))
		}
	}
	return problems
}

// topLevel has everything at the top of the repository, and what it is for.
var topLevel = map[string]string{
	"main.go":       "joins the commands",
	"trace":         "what a stage is; record, ledger, spans, export",
	"server":        "the key-value server, cut by stage",
	"walkthrough":   "timelines, annotations, commands for reading",
	"scripts":       "checks, benchmarks, comparisons with peers",
	"docs":          "architecture, stages, testing, figures",
	"README.md":     "the way in",
	"README.zh.md":  "the way in, in Chinese",
	"LICENSE":       "Apache-2.0",
	"Makefile":      "the handful of commands",
	"go.mod":        "the module",
	"go.sum":        "the module's checksums",
	".ci":           "what runs on every change",
	".gitignore":    "what git leaves out",
	".golangci.yml": "the linters, each exception with its reason",
}

func checkTopLevel(t tree) []string {
	seen := make(map[string]bool)
	for name := range t {
		first, _, _ := strings.Cut(name, "/")
		seen[first] = true
	}
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		if topLevel[name] == "" {
			problems = append(problems, name+": does not belong at the top level")
		}
	}
	return problems
}

// maxBytes bounds every file: a larger one would be a result, not a source.
const maxBytes = 512 * 1024

func checkWeight(t tree) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		switch content := t[name]; {
		case content == "":
			problems = append(problems, name+": is empty")
		case len(content) > maxBytes:
			problems = append(problems, fmt.Sprintf("%s: %d bytes, at most %d", name, len(content), maxBytes))
		case !utf8.ValidString(content) && !strings.Contains(name, "/testdata/"):
			problems = append(problems, name+": is not text, and no test data")
		case strings.HasSuffix(name, ".orig") || strings.HasSuffix(name, ".rej") || strings.HasSuffix(name, "~"):
			problems = append(problems, name+": was left behind by a tool")
		}
	}
	return problems
}
