package lesson

import (
	"strings"

	"glasskv/walkthrough/screen"
)

func (p *player) measure(s *Step) error {
	values := make(map[string]float64, len(s.Measure))
	for name, source := range s.Measure {
		value, err := p.number(s, source)
		if err != nil {
			return err
		}
		values[name] = value
	}
	for name, value := range values {
		p.known[name] = value
	}
	return p.report(&Event{Values: values}, s)
}

func (p *player) number(s *Step, source string) (float64, error) {
	value, err := s.code.formulas[source].run(p.known)
	if err != nil {
		return 0, err
	}
	return value.(float64), nil //nolint:forcetypeassert // it was compiled to be one
}

func (p *player) holds(s *Step, condition string) (bool, error) {
	value, err := s.code.formulas[condition].run(p.known)
	if err != nil {
		return false, err
	}
	return value.(bool), nil //nolint:forcetypeassert // it was compiled to be one
}

// text is what a step says, with what was measured.
func (p *player) text(s *Step, t Text) (string, error) {
	return s.code.texts[t.In(p.screen.Lang)].fill(p.known)
}

// claim says what the run has shown, if it has.
func (p *player) claim(s *Step) error {
	text, err := p.text(s, s.Claim.Text)
	if err != nil {
		return err
	}
	holds, err := p.holds(s, s.Claim.Check)
	if err != nil {
		return err
	}
	said := strings.Join(paragraphs(text), " ")
	p.outcome.Claims = append(p.outcome.Claims, ClaimOutcome{File: p.lesson.file, Line: s.line, Text: said, Check: s.Claim.Check, Holds: holds})
	if err := p.report(&Event{Text: said, Check: s.Claim.Check, Holds: &holds}, s); err != nil {
		return err
	}
	return p.say(func(out *screen.Writer) {
		mark, role := "✔ ", screen.Good
		if !holds {
			mark, role = "✘ ", screen.Bad
		}
		p.block(out, role.Paint(mark), screen.Width(mark), said)
		if !holds {
			out.Line(screen.Blank(screen.Width(mark)), screen.Dim.Paint(p.screen.Lang.Pick(
				"This run did not show it. Is the machine busy? Play the lesson again.",
				"这一次没有表现出来。机器是不是很忙？请再放一遍。")))
		}
		out.Line()
	})
}
