package lesson

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"glasskv/trace"
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
		case question.Value == "kind" && !slices.Contains(kinds, trace.Kind(text.Value)):
			s.err = fmt.Errorf("no kind of time %q, use one of %v", text.Value, kinds)
		}
	}
}

var kinds = []trace.Kind{trace.KindWork, trace.KindQueue, trace.KindDisk, trace.KindNetwork, trace.KindConsensus, trace.KindHeld}

func isStage(name string) bool {
	_, known := trace.StageByName(name)
	return known || name == trace.Unexplained
}
