package lesson

import (
	"errors"
	"fmt"
	"go/token"
	"slices"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

// code is a step's formulas and texts, compiled.
type code struct {
	formulas map[string]*formula  // by source text
	texts    map[string]*template // by source text
}

// minClaims is the minimum number of claims in a lesson.
const minClaims = 2

// check checks a lesson before it is played, and compiles its formulas. The error
// joins all mistakes.
func (l *Lesson) check() error {
	c := &checker{lesson: l, known: newScope(lang.EN), unrevealed: make(map[string]*Ask)}
	c.header()
	for _, s := range l.Steps {
		if s == nil {
			c.errs = append(c.errs, fmt.Errorf("%s: an empty step", l.file))
			continue
		}
		c.step = s
		s.code = &code{make(map[string]*formula), make(map[string]*template)}
		c.check()
	}
	c.end()
	return errors.Join(c.errs...)
}

// checker visits the steps in the order in which the player plays them.
type checker struct {
	lesson     *Lesson
	step       *Step
	known      scope
	unrevealed map[string]*Ask // questions that were asked but not revealed yet
	claims     int
	errs       []error
}

func (c *checker) addMistake(format string, args ...any) {
	c.errs = append(c.errs, c.lesson.mistake(c.step, format, args...))
}

func (c *checker) header() {
	c.step = &Step{line: 1, code: &code{make(map[string]*formula), make(map[string]*template)}}
	c.text("title", c.lesson.Title)
	if c.lesson.Minutes < 1 || c.lesson.Minutes > 45 {
		c.addMistake("minutes: %d is not between 1 and 45", c.lesson.Minutes)
	}
	if len(c.lesson.Steps) == 0 {
		c.addMistake("no steps")
	}
}

func (c *checker) end() {
	for name := range c.unrevealed {
		c.addMistake("the question %s is never revealed", name)
	}
	if c.claims < minClaims {
		c.addMistake("%d claims, a lesson needs at least %d", c.claims, minClaims)
	}
}

// setFields returns the names of the fields of a step that are set.
func (s *Step) setFields() (set []string) {
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"say", s.Say != nil}, {"server", s.Server != nil}, {"do", s.Do != nil}, {"together", s.Together != nil},
		{"in-turn", s.InTurn != nil}, {"fault", s.Fault != nil}, {"hold", s.Hold != nil}, {"measure", s.Measure != nil}, {"ask", s.Ask != nil},
		{"reveal", s.Reveal != ""}, {"show", s.Show != nil}, {"claim", s.Claim != nil}, {"point", s.Point != nil},
		{"chapter", s.Chapter != ""},
	} {
		if f.set {
			set = append(set, f.name)
		}
	}
	return set
}

func (c *checker) check() {
	s := c.step
	kinds := s.setFields()
	if len(kinds) != 1 {
		c.addMistake("a step has exactly one kind, this one has %d: %s", len(kinds), strings.Join(kinds, ", "))
		return
	}
	switch s.kind = kinds[0]; s.kind {
	case "say":
		c.text("say", *s.Say)
	case "do", "together", "in-turn":
		c.requests(s.requests())
	case "fault":
		if err := s.Fault.check(); err != nil {
			c.addMistake("fault: %w", err)
		}
	case "hold":
		if err := s.Hold.check(); err != nil {
			c.addMistake("hold: %w", err)
		}
	case "measure":
		c.measure()
	case "ask":
		c.ask()
	case "reveal":
		c.reveal()
	case "show":
		c.show()
	case "claim":
		c.claim()
	case "point":
		c.text("note", s.Point.Note)
		if s.Point.Symbol == "" {
			c.addMistake("point: no symbol")
		}
	case "chapter":
		if _, known := stages.ByName(s.Chapter); !known {
			c.addMistake("chapter: no stage %q", s.Chapter)
		}
	}
}

// text checks that a text has every complete language, and the same formulas in all of
// its languages. It returns the text compiled, in the order of lang.Languages. After a
// mistake it returns nil.
func (c *checker) text(what string, t lang.Text) (all []*template) {
	for _, l := range lang.Complete {
		if strings.TrimSpace(t[string(l)]) == "" {
			c.addMistake("%s: a text needs both en and zh", what)
			return nil
		}
	}
	for _, l := range t.Unknown() {
		c.addMistake("%s: field %s not found, and no language has this name", what, l)
	}
	for _, l := range lang.Languages {
		text, ok := t[string(l)]
		if !ok {
			continue
		}
		compiled, err := compileText(text, c.known)
		if err != nil {
			c.addMistake("%s: %w", what, err)
			return nil
		}
		c.step.code.texts[text], all = compiled, append(all, compiled)
	}
	for _, other := range all[1:] {
		if a, b := sorted(all[0].sources()), sorted(other.sources()); !slices.Equal(a, b) {
			c.addMistake("%s: the languages have different formulas: %v and %v", what, a, b)
		}
	}
	return all
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return slices.Compact(s)
}

func (c *checker) formula(what, source string, result resultKind) {
	f, err := compile(source, c.known, result)
	if err != nil {
		c.addMistake("%s: %w", what, err)
		return
	}
	c.step.code.formulas[source] = f
}

// define adds a name that a step defines. zero has the type of its value.
func (c *checker) define(name string, zero any) {
	switch {
	case !token.IsIdentifier(name):
		c.addMistake("%q is not a name: use letters, digits and _", name)
	case c.known[name] != nil && !isResult(c.known[name]):
		c.addMistake("the name %s is taken", name)
	default:
		c.known[name] = zero
	}
}

// isResult reports whether a value is a result. Later steps may redefine the name of a
// result, but not other names.
func isResult(v any) bool { _, ok := v.(*Result); return ok }

func (c *checker) measure() {
	for name, source := range c.step.Measure {
		c.formula(name, source, aNumber)
	}
	for name := range c.step.Measure {
		c.define(name, float64(0))
	}
}

func (c *checker) ask() {
	a := c.step.Ask
	c.text("question", a.Question)
	switch {
	case a.Name == "" || c.unrevealed[a.Name] != nil:
		c.addMistake("ask: a question needs a name of its own")
		return
	case len(a.Choices) == 1 || (len(a.Choices) > 0) == (a.Answer != ""):
		c.addMistake("ask: give either an answer or at least two choices")
	}
	for _, choice := range a.Choices {
		c.text("choice", choice.Text)
	}
	if a.Unit != nil {
		c.text("unit", a.Unit)
	}
	c.unrevealed[a.Name] = a
}

// reveal compiles the answer. Its formulas may use all names that are defined before
// the reveal step, also those defined after the question.
func (c *checker) reveal() {
	a := c.unrevealed[c.step.Reveal]
	if a == nil {
		c.addMistake("reveal: no open question is named %s", c.step.Reveal)
		return
	}
	delete(c.unrevealed, c.step.Reveal)
	if a.Answer != "" {
		c.formula("answer", a.Answer, aNumber)
	}
	for _, choice := range a.Choices {
		c.formula("right", choice.Right, aCondition)
	}
}

func (c *checker) show() {
	s := c.step.Show
	switch {
	case s.Timeline != "" && s.Table == "" && s.Beside == nil:
		c.formula("timeline", s.Timeline, aRequest)
	case s.Table != "" && s.Timeline == "" && s.Beside == nil:
		c.formula("table", s.Table, aResult)
	case s.Timeline == "" && s.Table == "" && len(s.Beside) >= 2 && len(s.Beside) <= maxBeside:
		for _, b := range s.Beside {
			c.text("title", b.Title)
			c.formula("of", b.Of, aRequestOrResult)
		}
	default:
		c.addMistake("show: use exactly one of timeline, table, and beside with 2 to %d columns", maxBeside)
	}
}

// claim checks that the text contains no figures outside formulas.
func (c *checker) claim() {
	c.claims++
	for _, t := range c.text("claim", c.step.Claim.Text) {
		if n := t.literalNumber(); n != "" {
			c.addMistake("claim: the text contains the figure %q: write a formula, ${…}, instead", strings.TrimSpace(n))
		}
	}
	c.formula("check", c.step.Claim.Check, aCondition)
}
