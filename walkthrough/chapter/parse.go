package chapter

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

// Problem is a mistake in a chapter's file.
type Problem struct {
	File string
	Line int // from 1; 0 for the file as a whole
	Text string
}

// String returns "file:line: text", as compilers write it.
func (p Problem) String() string {
	if p.Line == 0 {
		return p.File + ": " + p.Text
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text)
}

// Parse reads a chapter. The name is the file's path, "en/wal.sync.md": its folder is
// the language. What cannot be read is left out of the chapter and returned as a
// problem. Package check finds the mistakes that do not hinder reading.
func Parse(name, text string) (*Chapter, []Problem) {
	p := &parser{chapter: &Chapter{File: name, Lang: lang.Lang(path.Base(path.Dir(name)))}}
	p.lines = strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	p.dropNavigation()
	if !p.frontMatter() {
		return p.chapter, p.problems
	}
	p.title()
	for p.at < len(p.lines) {
		p.step()
	}
	p.endProse()
	return p.chapter, p.problems
}

// StageOf returns the name of the stage that a chapter's file is about: "wal.sync" for
// "en/073-wal.sync.md". The number is not required.
func StageOf(file string) string {
	name := strings.TrimSuffix(path.Base(file), ".md")
	number, rest, ok := strings.Cut(name, "-")
	if ok && number != "" && strings.Trim(number, "0123456789") == "" {
		return rest
	}
	return name
}

// IsNavigation reports whether a line is the last one of a chapter's file, which links
// to its neighbours and to the index.
func IsNavigation(line string) bool { return strings.Contains(line, "](README.md)") }

type parser struct {
	chapter  *Chapter
	problems []Problem
	lines    []string
	at       int      // index of the next line
	prose    []string // lines of the block of prose that is being read
	begin    int      // number of its first line
}

func (p *parser) problem(line int, format string, args ...any) {
	p.problems = append(p.problems, Problem{p.chapter.File, line, fmt.Sprintf(format, args...)})
}

// dropNavigation removes the last line if it is the navigation.
func (p *parser) dropNavigation() {
	for n := len(p.lines); n > 0; n-- {
		last := p.lines[n-1]
		if strings.TrimSpace(last) != "" {
			if IsNavigation(last) {
				p.lines = p.lines[:n-1]
			}
			return
		}
	}
}

// frontMatterMark is the line before and after the front matter.
const frontMatterMark = "---"

// frontMatter reads the chapter's Text, which is YAML between two marks. Fields that
// Text does not have, and fields that occur twice, are mistakes. It returns false if the
// second mark is missing: then nothing else of the file can be read.
func (p *parser) frontMatter() bool {
	if p.lines[0] != frontMatterMark {
		return true
	}
	end := slices.Index(p.lines[1:], frontMatterMark) + 1
	if end == 0 {
		p.problem(1, "the front matter has no end: want a second line %s", frontMatterMark)
		return false
	}
	p.at = end + 1
	// The first mark is parsed as well, so that YAML's line numbers are those of the file.
	text := strings.Join(p.lines[:end], "\n") + "\n"
	err := yaml.Load([]byte(text), &p.chapter.Text, yaml.WithKnownFields(), yaml.WithUniqueKeys())
	var several *yaml.LoadErrors
	var single *yaml.LoadError
	switch {
	case errors.As(err, &several):
		for _, e := range several.Errors {
			message, _, _ := strings.Cut(e.Message, " in type ") // the Go type means nothing to a translator
			p.problem(e.Mark.Line, "%s", message)
		}
	case errors.As(err, &single):
		p.problem(single.Mark.Line, "%s", single.Message)
	case err != nil:
		p.problem(1, "%v", err)
	}
	return true
}

// title reads "# STAGE: title". The colon may be a wide one, as in Chinese.
func (p *parser) title() {
	if p.at == len(p.lines) {
		p.problem(p.at, `want "# STAGE: a title" after the front matter`)
		return
	}
	first := p.lines[p.at]
	p.at++
	heading, ok := strings.CutPrefix(first, "# ")
	name, title := heading, ""
	if colon := strings.IndexAny(heading, ":："); colon >= 0 {
		name, title = heading[:colon], strings.TrimSpace(strings.TrimLeft(heading[colon:], ":："))
	}
	if !ok || title == "" {
		p.problem(p.at, `want "# STAGE: a title", found %q`, first)
		return
	}
	stage, known := stages.ByName(strings.TrimSpace(name))
	if !known {
		p.problem(p.at, "no stage is called %q", name)
		return
	}
	p.chapter.Stage, p.chapter.Title, p.chapter.Line = stage, title, p.at
	if of := StageOf(p.chapter.File); of != stage.String() {
		p.problem(p.at, "the title is about %s, the file's name about %s", stage, of)
	}
}

// step reads a line of prose or a whole fenced block.
func (p *parser) step() {
	line := p.lines[p.at]
	kind, fenced := strings.CutPrefix(line, "```")
	if !fenced {
		p.addProse(line)
		return
	}
	body, begin, ok := p.fence()
	if !ok {
		p.problem(begin, "the block is not closed")
		return
	}
	switch strings.TrimSpace(kind) {
	case "source":
		p.source(body, begin)
	case "jumps":
		p.jumps(body, begin)
	default:
		p.at = begin - 1
		for range len(body) + 2 {
			p.addProse(p.lines[p.at])
		}
	}
}

func (p *parser) addProse(line string) {
	if len(p.prose) == 0 {
		if strings.TrimSpace(line) == "" {
			p.at++
			return
		}
		p.begin = p.at + 1
	}
	p.prose = append(p.prose, line)
	p.at++
}

func (p *parser) endProse() {
	if text := strings.TrimSpace(strings.Join(p.prose, "\n")); text != "" {
		p.chapter.Blocks = append(p.chapter.Blocks, Block{Markdown: text, Line: p.begin})
	}
	p.prose = nil
}

// fence reads a fenced block up to its end, and returns the lines between the fences
// and the number of the opening one. If the block is not closed, ok is false.
func (p *parser) fence() (body []string, begin int, ok bool) {
	begin = p.at + 1
	for p.at++; p.at < len(p.lines); p.at++ {
		if strings.HasPrefix(p.lines[p.at], "```") {
			p.at++
			return body, begin, true
		}
		body = append(body, p.lines[p.at])
	}
	return body, begin, false
}

func (p *parser) source(body []string, begin int) {
	p.endProse()
	if len(body) == 0 || len(body) > 2 || strings.TrimSpace(body[0]) == "" {
		p.problem(begin, "a source block holds a symbol and at most one anchor, each on its line")
		return
	}
	quote := &Quote{Symbol: strings.TrimSpace(body[0])}
	if len(body) == 2 {
		quote.Anchor = strings.TrimSpace(body[1])
	}
	p.chapter.Blocks = append(p.chapter.Blocks, Block{Source: quote, Line: begin})
}

func (p *parser) jumps(body []string, begin int) {
	p.endProse()
	if len(p.chapter.Jumps) > 0 {
		p.problem(begin, "a second block of jumps")
		return
	}
	for i, line := range body {
		at := begin + 1 + i
		way, note, _ := strings.Cut(line, "|")
		kind, target, _ := strings.Cut(strings.TrimSpace(way), " ")
		target = strings.TrimSpace(target)
		switch k := JumpKind(kind); {
		case target == "" || strings.Contains(target, " "):
			p.problem(at, `want "caller|callee|handover TARGET [| a note]", found %q`, line)
		case k != Caller && k != Callee && k != Handover:
			p.problem(at, "a jump goes to a caller, a callee or a handover, not to a %q", kind)
		default:
			stage, _ := stages.ByName(target)
			p.chapter.Jumps = append(p.chapter.Jumps, Jump{k, target, stage, strings.TrimSpace(note), at})
		}
	}
}
