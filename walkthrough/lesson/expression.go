package lesson

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timeline"
)

// scope is what formulas know by name: results, numbers, and a few functions.
// While a file is checked the values are zero and only their types count.
type scope map[string]any

func newScope(l lang.Lang) scope {
	return scope{
		"reason":  func(why string) string { return timeline.Why(why, l) },
		"time":    func(ns float64) string { return screen.Duration(int64(math.Round(ns))) },
		"percent": screen.RoundPercent,
		"bytes":   func(n float64) string { return screen.Bytes(int64(n)) },
		"times":   times,
	}
}

// times writes a ratio: "3.2".
func times(ratio float64) string {
	if ratio >= 10 {
		return strconv.FormatFloat(ratio, 'f', 0, 64)
	}
	return strconv.FormatFloat(ratio, 'f', 1, 64)
}

// want is what a formula has to result in.
type want int

// What formulas may result in.
const (
	anything   want = iota
	aNumber         // of any type; a float64 comes of it
	aCondition      // true or false
	aRequest        // one request
	aResult         // many
	oneOrMany       // either of these
)

// formula is a compiled expression.
type formula struct {
	source  string
	program *vm.Program
}

// compile checks a formula against the types of what is known.
func compile(source string, known scope, result want) (*formula, error) {
	options := []expr.Option{expr.Env(map[string]any(known))}
	switch result {
	case aNumber:
		options = append(options, expr.AsFloat64(), expr.WarnOnAny())
	case aCondition:
		options = append(options, expr.AsBool(), expr.WarnOnAny())
	}
	program, err := expr.Compile(source, options...)
	if err != nil {
		return nil, brief(source, err)
	}
	root := program.Node()
	if is := root.Type(); !result.accepts(is) {
		return nil, fmt.Errorf("%s is not %s", source, result)
	}
	names := &stageNames{}
	ast.Walk(&root, names)
	return &formula{source, program}, names.err
}

// accepts reports whether a formula of that type may stand here. The numbers and
// conditions have been checked by the compiler.
func (w want) accepts(is reflect.Type) bool {
	request, result := reflect.TypeFor[*Request](), reflect.TypeFor[*Result]()
	switch w {
	case aRequest:
		return is == request
	case aResult:
		return is == result
	case oneOrMany:
		return is == request || is == result
	}
	return true
}

func (w want) String() string {
	return [...]string{"a value", "a number", "a condition", "a request, such as writes.first", "a result", "a request or a result"}[w]
}

// brief says on one line what is wrong with a formula.
func brief(source string, err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %s", source, at.Message)
	}
	return fmt.Errorf("%s: %w", source, err)
}

// run works a formula out.
func (f *formula) run(known scope) (any, error) {
	value, err := expr.Run(f.program, map[string]any(known))
	if err != nil {
		return nil, brief(f.source, err)
	}
	return value, nil
}

// stageNames finds names of stages that no stage has.
type stageNames struct{ err error }

// ofStages are the questions whose arguments are names of stages, and whether only
// the first one is.
var ofStages = map[string]bool{
	"p50": false, "p99": false, "least": false, "most": false, "total": false, "share": false, "shared": false,
	"batches": false, "having": false, "took": false, "waited": false, "has": false, "why": false, "without": true,
}

// Visit is called for every part of a formula.
func (s *stageNames) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok {
		return
	}
	member, ok := call.Callee.(*ast.MemberNode)
	if !ok {
		return
	}
	question, ok := member.Property.(*ast.StringNode)
	if !ok {
		return
	}
	first, asks := ofStages[question.Value]
	for i, argument := range call.Arguments {
		text, ok := argument.(*ast.StringNode)
		switch {
		case !ok || first && i > 0:
		case asks && !isStage(text.Value):
			s.err = fmt.Errorf("no stage %q: see glasskv stages", text.Value)
		case question.Value == "kind" && !slices.Contains(kinds, stages.Kind(text.Value)):
			s.err = fmt.Errorf("no kind of time %q, use one of %v", text.Value, kinds)
		}
	}
}

var kinds = []stages.Kind{stages.KindWork, stages.KindQueue, stages.KindDisk, stages.KindNetwork, stages.KindConsensus, stages.KindHeld}

func isStage(name string) bool {
	_, known := stages.ByName(name)
	return known || name == trace.Unexplained
}

// template is a text with formulas in it.
type template struct {
	pieces   []string // between the formulas; always one more than these
	formulas []*formula
}

// compileText reads the formulas of a text, written as ${…}.
func compileText(text string, known scope) (*template, error) {
	t := &template{}
	for {
		before, rest, found := strings.Cut(text, "${")
		t.pieces = append(t.pieces, before)
		if !found {
			return t, nil
		}
		source, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("a ${ without its }")
		}
		f, err := compile(source, known, anything)
		if err != nil {
			return nil, err
		}
		t.formulas, text = append(t.formulas, f), after
	}
}

// sources are the formulas of the text, whatever their lines.
func (t *template) sources() (all []string) {
	for _, f := range t.formulas {
		all = append(all, strings.Join(strings.Fields(f.source), " "))
	}
	return all
}

// ownFigure finds a number that is no part of a name such as HTTP/2 or p99.
var ownFigure = regexp.MustCompile(`(^|[^\p{Latin}\d/._-])\d`)

// figure returns a number that stands in the text itself, "" when there is none.
func (t *template) figure() string {
	for _, piece := range t.pieces {
		if found := ownFigure.FindString(piece); found != "" {
			return found
		}
	}
	return ""
}

// fill works the formulas out and puts them in their places.
func (t *template) fill(known scope) (string, error) {
	var out strings.Builder
	for i, f := range t.formulas {
		value, err := f.run(known)
		if err != nil {
			return "", err
		}
		out.WriteString(t.pieces[i])
		out.WriteString(written(value))
	}
	out.WriteString(t.pieces[len(t.formulas)])
	return out.String(), nil
}

// written is a value as it stands in a text. What came from a client or a server is
// made harmless.
func written(value any) string {
	switch v := value.(type) {
	case float64:
		if v == math.Trunc(v) {
			return strconv.FormatFloat(v, 'f', 0, 64)
		}
		return strconv.FormatFloat(v, 'f', 1, 64)
	case string:
		return screen.Escape(v)
	}
	return screen.Escape(fmt.Sprint(value))
}

// paragraphs splits a text at its empty lines. The lines of a paragraph are joined,
// with a blank where there is one to be in that script.
func paragraphs(text string) (all []string) {
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		var out string
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			if out != "" && line != "" && blankBetween(out, line) {
				out += " "
			}
			out += line
		}
		all = append(all, out)
	}
	return all
}

// blankBetween reports whether two lines are joined with a blank: always in
// English; in Chinese where one side is Latin, but not at a mark, which has its own
// room.
func blankBetween(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	wide := func(r rune) bool { return screen.Width(string(r)) == 2 }
	mark := func(r rune) bool { return wide(r) && !unicode.Is(unicode.Han, r) }
	return !mark(last) && !mark(first) && (!wide(last) || !wide(first))
}
