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

// scope holds the names that formulas can use: results, numbers and a few functions.
// While a lesson is checked, the values are zero and only their types matter.
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

// times formats a ratio: "3.2".
func times(ratio float64) string {
	if ratio >= 10 {
		return strconv.FormatFloat(ratio, 'f', 0, 64)
	}
	return strconv.FormatFloat(ratio, 'f', 1, 64)
}

// resultKind is what a formula must evaluate to.
type resultKind int

// The kinds of results.
const (
	anything         resultKind = iota
	aNumber                     // of any numeric type; converted to float64
	aCondition                  // true or false
	aRequest                    // a *Request
	aResult                     // a *Result
	aRequestOrResult            // a *Request or a *Result
)

// formula is a compiled expression.
type formula struct {
	source  string
	program *vm.Program
}

// compile compiles a formula. It checks the types of the names that it uses, the type
// of its result, and the names of stages in it.
func compile(source string, known scope, result resultKind) (*formula, error) {
	options := []expr.Option{expr.Env(map[string]any(known))}
	switch result {
	case aNumber:
		options = append(options, expr.AsFloat64(), expr.WarnOnAny())
	case aCondition:
		options = append(options, expr.AsBool(), expr.WarnOnAny())
	}
	program, err := expr.Compile(source, options...)
	if err != nil {
		return nil, formulaError(source, err)
	}
	root := program.Node()
	if is := root.Type(); !result.accepts(is) {
		return nil, fmt.Errorf("%s is not %s", source, result)
	}
	names := &stageNameCheck{}
	ast.Walk(&root, names)
	return &formula{source, program}, names.err
}

// accepts reports whether a formula of this type is allowed. The compiler has already
// checked numbers and conditions.
func (w resultKind) accepts(is reflect.Type) bool {
	request, result := reflect.TypeFor[*Request](), reflect.TypeFor[*Result]()
	switch w {
	case aRequest:
		return is == request
	case aResult:
		return is == result
	case aRequestOrResult:
		return is == request || is == result
	}
	return true
}

func (w resultKind) String() string {
	return [...]string{"a value", "a number", "a condition", "a request, such as writes.first", "a result", "a request or a result"}[w]
}

// formulaError returns a one-line error for a formula.
func formulaError(source string, err error) error {
	var at *file.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s: %s", source, at.Message)
	}
	return fmt.Errorf("%s: %w", source, err)
}

// run evaluates a formula.
func (f *formula) run(known scope) (any, error) {
	value, err := expr.Run(f.program, map[string]any(known))
	if err != nil {
		return nil, formulaError(f.source, err)
	}
	return value, nil
}

// stageNameCheck visits a formula to find unknown names of stages and kinds of time.
type stageNameCheck struct{ err error }

// stageArguments are the functions whose arguments are names of stages. The value is
// true if only the first argument is.
var stageArguments = map[string]bool{
	"p50": false, "p99": false, "least": false, "most": false, "total": false, "share": false, "shared": false,
	"batches": false, "having": false, "took": false, "waited": false, "has": false, "why": false, "without": true,
}

// Visit is called for each node of a formula.
func (s *stageNameCheck) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok {
		return
	}
	member, ok := call.Callee.(*ast.MemberNode)
	if !ok {
		return
	}
	function, ok := member.Property.(*ast.StringNode)
	if !ok {
		return
	}
	firstOnly, takesStages := stageArguments[function.Value]
	for i, argument := range call.Arguments {
		text, ok := argument.(*ast.StringNode)
		switch {
		case !ok || firstOnly && i > 0:
		case takesStages && !isStage(text.Value):
			s.err = fmt.Errorf("no stage %q: see glasskv stages", text.Value)
		case function.Value == "kind" && !slices.Contains(timeKinds, stages.Kind(text.Value)):
			s.err = fmt.Errorf("no kind of time %q, use one of %v", text.Value, timeKinds)
		}
	}
}

var timeKinds = []stages.Kind{stages.KindWork, stages.KindQueue, stages.KindDisk, stages.KindNetwork, stages.KindConsensus, stages.KindHeld}

func isStage(name string) bool {
	_, known := stages.ByName(name)
	return known || name == trace.Unexplained
}

// template is a text that contains formulas.
type template struct {
	pieces   []string // the text around the formulas: one piece more than formulas
	formulas []*formula
}

// compileText compiles a text whose formulas are written ${…}.
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

// sources returns the formulas of the text, without regard to line breaks in them.
func (t *template) sources() (all []string) {
	for _, f := range t.formulas {
		all = append(all, strings.Join(strings.Fields(f.source), " "))
	}
	return all
}

// literalNumber matches a number that is not part of a name such as HTTP/2 or p99.
var literalNumber = regexp.MustCompile(`(^|[^\p{Latin}\d/._-])\d`)

// literalNumber returns a number that the text contains outside its formulas, or "".
func (t *template) literalNumber() string {
	for _, piece := range t.pieces {
		if found := literalNumber.FindString(piece); found != "" {
			return found
		}
	}
	return ""
}

// fill returns the text with the values of its formulas.
func (t *template) fill(known scope) (string, error) {
	var out strings.Builder
	for i, f := range t.formulas {
		value, err := f.run(known)
		if err != nil {
			return "", err
		}
		out.WriteString(t.pieces[i])
		out.WriteString(formatValue(value))
	}
	out.WriteString(t.pieces[len(t.formulas)])
	return out.String(), nil
}

// formatValue returns a value as text. It escapes strings, which may come from a client
// or a server.
func formatValue(value any) string {
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

// paragraphs splits a text at its empty lines and joins the lines of each paragraph,
// with a blank where the script requires one.
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

// blankBetween reports whether two lines are joined with a blank: always in English; in
// Chinese if one side is Latin, but not next to a full-width punctuation mark, which
// includes its own space.
func blankBetween(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	wide := func(r rune) bool { return screen.Width(string(r)) == 2 }
	mark := func(r rune) bool { return wide(r) && !unicode.Is(unicode.Han, r) }
	return !mark(last) && !mark(first) && (!wide(last) || !wide(first))
}
