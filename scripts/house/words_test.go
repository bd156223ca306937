package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// words are patterns that must not occur in the repository. They are written in pieces,
// so that this file does not match them.
var words = []struct {
	pattern *regexp.Regexp
	why     string
}{
	{regexp.MustCompile(`(^|[^\w./-])/(ro` + `ot|wo` + `rk|home)/`), "a path of somebody's machine"},
	{regexp.MustCompile(`(proxy|sum)\.gol` + `ang\.org|deb\.deb` + `ian\.org|registry\.np` + `mjs`), "a registry's host: the toolchain knows where it gets things"},
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b(?:\(\w+\))?:?\s*$`), "a reminder that does not say of what"},
	{regexp.MustCompile(`^(<<<<` + `<<<|>>>>` + `>>>) `), "a merge that was not finished"},
	{regexp.MustCompile(`^(//|/?\*)?\s*Copy` + `right .*\d{4}`), "somebody else's licence header"},
}

func checkWords(t tree) []string {
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if name == "LICENSE" || strings.HasSuffix(name, "go.sum") || strings.Contains(name, "/testdata/fuzz/") {
			continue
		}
		n := 0
		for line := range strings.Lines(t[name]) {
			n++
			for _, word := range words {
				if found := word.pattern.FindString(line); found != "" {
					problems = append(problems, fmt.Sprintf("%s:%d: %q is %s", name, n, strings.TrimSpace(found), word.why))
				}
			}
		}
	}
	return problems
}

// checkSleep finds sleeps. A sleep that is too short makes a test fail now and then, and
// one that is too long makes it slow.
func checkSleep(t tree) []string {
	return findCalls(t, "time", []string{"Sleep"}, "wait for the event instead", func(*source, token.Pos) bool { return false })
}

// checkExit finds exits outside main. They cannot be tested, and skip all deferred
// calls.
func checkExit(t tree) []string {
	allowed := func(src *source, pos token.Pos) bool {
		return src.test || src.name == "main.go" || within(src.dir, "scripts") && inMain(src, pos)
	}
	exits := findCalls(t, "os", []string{"Exit"}, "return an error; main exits", allowed)
	return append(exits, findCalls(t, "log", []string{"Fatal", "Fatalf", "Fatalln"}, "return an error; main exits", allowed)...)
}

func findCalls(t tree, pkg string, names []string, instead string, allowed func(*source, token.Pos) bool) []string {
	var problems []string
	for _, src := range t.sources() {
		for _, call := range src.calls(pkg, names...) {
			if !allowed(src, call.Pos()) {
				problems = append(problems, fmt.Sprintf("%s: %s.%s: %s", src.at(call.Pos()), pkg, call.Sel.Name, instead))
			}
		}
	}
	return problems
}

// inMain reports whether a position lies in the function main of a command.
func inMain(src *source, pos token.Pos) bool {
	for _, decl := range src.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "main" && src.Name.Name == "main" {
			return fn.Pos() <= pos && pos < fn.End()
		}
	}
	return false
}

var failedTo = regexp.MustCompile(`(?i)\b(failed|unable|could not|cannot) to\b|^"error `)

// checkErrorTexts finds error texts that say "failed to". Errors are joined into one
// line, so each piece names only what was done: "open wal: permission denied".
func checkErrorTexts(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		ast.Inspect(src.File, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 || !makesError(call) {
				return true
			}
			text, ok := call.Args[0].(*ast.BasicLit)
			if ok && text.Kind == token.STRING && failedTo.MatchString(text.Value) {
				problems = append(problems, fmt.Sprintf("%s: error text %s: name what was done", src.at(text.Pos()), text.Value))
			}
			return true
		})
	}
	return problems
}

func makesError(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && (id.Name == "fmt" && sel.Sel.Name == "Errorf" || id.Name == "errors" && sel.Sel.Name == "New")
}
