package lesson

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// question is a question of the lesson with the prediction that was made.
type question struct {
	*Ask
	choices    []string
	unit       string
	prediction string // as it is repeated to the class; "" for none
	choice     int    // the number of the predicted choice, from 1; 0 for none
}

// ask prints a question and, if the player has an input, reads a prediction.
func (p *player) ask(ctx context.Context, s *Step) error {
	a := &question{Ask: s.Ask}
	p.questions[a.Name] = a
	question, err := p.text(s, s.Ask.Question)
	if err != nil {
		return err
	}
	for _, choice := range s.Ask.Choices {
		text, err := p.text(s, choice.Text)
		if err != nil {
			return err
		}
		a.choices = append(a.choices, text)
	}
	if s.Ask.Unit != nil {
		if a.unit, err = p.text(s, s.Ask.Unit); err != nil {
			return err
		}
	}
	if err := p.report(&Event{Name: a.Name, Text: question, Choices: a.choices}, s); err != nil {
		return err
	}
	err = p.print(func(out *screen.Writer) {
		p.block(out, screen.Warn.Paint("? "), 2, question)
		for i, choice := range a.choices {
			p.block(out, fmt.Sprintf("  %d) ", i+1), 5, choice)
		}
	})
	if err != nil {
		return err
	}
	return p.predict(ctx, a)
}

// predict reads lines until one is a valid prediction or empty.
func (p *player) predict(ctx context.Context, a *question) error {
	l := p.screen.Lang
	prompt := l.Pick("  your prediction (Enter: none): ", "  你的预测（直接回车跳过）：")
	if len(a.choices) > 0 {
		prompt = l.Say("  1 to %d (Enter: none): ", "  选 1 到 %d（直接回车跳过）：", len(a.choices))
	}
	for p.input != nil {
		line, ok, err := p.input.read(ctx, p.out, prompt)
		if err != nil {
			return err
		}
		if line = strings.TrimSpace(line); !ok || line == "" || a.parse(line) {
			break
		}
		if _, err := fmt.Fprintln(p.out, l.Pick("  That is no answer to this.", "  这不是这个问题的答案。")); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return p.print(func(out *screen.Writer) { out.Line() })
}

// parse sets the prediction from a line. It returns false if the line is not a valid
// answer to the question.
func (a *question) parse(line string) bool {
	if len(a.choices) > 0 {
		n, err := strconv.Atoi(line)
		if err != nil || n < 1 || n > len(a.choices) {
			return false
		}
		a.choice, a.prediction = n, strconv.Itoa(n)
		return true
	}
	unit := func(r rune) bool { return r == ' ' || r >= 'A' } // "5 fsyncs", "5 次"
	n, err := strconv.ParseFloat(strings.TrimRightFunc(line, unit), 64)
	if err != nil {
		return false
	}
	a.prediction = formatValue(n)
	return true
}

// reveal prints the answer to a question and compares it with the prediction.
func (p *player) reveal(s *Step) error {
	a := p.questions[s.Reveal]
	was, right, err := p.answer(s, a)
	if err != nil {
		return err
	}
	if err := p.report(&Event{Name: a.Name, Said: a.prediction, Was: was}, s); err != nil {
		return err
	}
	l := p.screen.Lang
	text := l.Say("It was %s", "答案：%s", was)
	switch {
	case a.prediction == "":
	case right:
		text = l.Say("You said %s, and so it was.", "你说 %s，说对了。", a.prediction)
	default:
		text = l.Say("You said %s, it was %s", "你说 %s，实际是 %s", a.prediction, was)
	}
	return p.print(func(out *screen.Writer) {
		p.block(out, screen.Warn.Paint("→ "), 2, text)
		out.Line()
	})
}

// answer computes the right answer, and reports whether the prediction was right.
func (p *player) answer(s *Step, a *question) (was string, right bool, err error) {
	if a.Answer != "" {
		n, err := p.number(s, a.Answer)
		if err != nil {
			return "", false, err
		}
		was = formatValue(n)
		right = a.prediction == was
		if a.unit != "" {
			was += " " + a.unit
		}
		return was, right, nil
	}
	for i, choice := range a.Choices {
		holds, err := p.holds(s, choice.Right)
		if err != nil {
			return "", false, err
		}
		if holds {
			return fmt.Sprintf("%d) %s", i+1, a.choices[i]), a.choice == i+1, nil
		}
	}
	return "", false, fmt.Errorf("no choice of %s is right for what was measured", a.Name)
}

// input reads typed lines. It reads nothing beyond a line before the next one is
// requested, because the rest may be the answer to a question of another lesson.
type input struct{ from io.Reader }

// maxTypedBytes is how much of a typed line is kept. No answer is that long.
const maxTypedBytes = 1024

// read prompts and waits for a line; ok is false at the end of the input. If ctx ends
// first, read returns its cause, and leaks a goroutine that waits for the line: a
// blocked read of standard input cannot be interrupted.
func (in *input) read(ctx context.Context, out io.Writer, prompt string) (line string, ok bool, err error) {
	if _, err := fmt.Fprint(out, prompt); err != nil {
		return "", false, fmt.Errorf("write: %w", err)
	}
	typed := make(chan string, 1)
	go func() {
		defer close(typed)
		if line, ok := in.line(); ok {
			typed <- line
		}
	}()
	select {
	case line, ok = <-typed:
		return line, ok, nil
	case <-ctx.Done():
		return "", false, context.Cause(ctx)
	}
}

// line reads byte by byte up to the end of a line, and nothing beyond it.
func (in *input) line() (string, bool) {
	var line []byte
	for next := make([]byte, 1); ; {
		n, err := in.from.Read(next)
		switch {
		case n > 0 && next[0] == '\n':
			return string(line), true
		case n > 0 && len(line) < maxTypedBytes:
			line = append(line, next[0])
		}
		if err != nil {
			return string(line), len(line) > 0
		}
	}
}

// measure computes the numbers of a step and then makes all of them known by name.
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

// number evaluates a formula for a number.
func (p *player) number(s *Step, source string) (float64, error) {
	value, err := s.code.formulas[source].run(p.known)
	if err != nil {
		return 0, err
	}
	return value.(float64), nil //nolint:forcetypeassert // compiled with the result type aNumber
}

// holds evaluates a condition.
func (p *player) holds(s *Step, condition string) (bool, error) {
	value, err := s.code.formulas[condition].run(p.known)
	if err != nil {
		return false, err
	}
	return value.(bool), nil //nolint:forcetypeassert // compiled with the result type aCondition
}

// text returns a text of a step in the reader's language, with the values of its
// formulas.
func (p *player) text(s *Step, t lang.Text) (string, error) {
	return s.code.texts[t.In(p.screen.Lang)].fill(p.known)
}

// claim checks a claim, records the outcome, and prints the claim with a mark.
func (p *player) claim(s *Step) error {
	text, err := p.text(s, s.Claim.Text)
	if err != nil {
		return err
	}
	holds, err := p.holds(s, s.Claim.Check)
	if err != nil {
		return err
	}
	text = strings.Join(paragraphs(text), " ")
	p.outcome.Claims = append(p.outcome.Claims, ClaimOutcome{File: p.lesson.file, Line: s.line, Text: text, Check: s.Claim.Check, Holds: holds})
	if err := p.report(&Event{Text: text, Check: s.Claim.Check, Holds: &holds}, s); err != nil {
		return err
	}
	return p.print(func(out *screen.Writer) {
		mark, role := "✔ ", screen.Good
		if !holds {
			mark, role = "✘ ", screen.Bad
		}
		p.block(out, role.Paint(mark), screen.Width(mark), text)
		if !holds {
			out.Line(screen.Blank(screen.Width(mark)), screen.Dim.Paint(p.screen.Lang.Pick(
				"This run did not show it. Is the machine busy? Play the lesson again.",
				"这一次没有表现出来。机器是不是很忙？请再放一遍。")))
		}
		out.Line()
	})
}
