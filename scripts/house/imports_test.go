package house

import (
	"fmt"
	"go/ast"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layers say which folders of this module a folder may import, itself
// included. Of several that fit, the first counts.
var layers = []struct {
	dir string
	may []string
}{
	{"trace", []string{"trace"}},
	{"server/etcdserver", []string{"server/etcdserver"}},
	{"server/v3rpc", []string{"server/v3rpc", "server/etcdserver"}},
	{"server/serve", []string{"server/serve", "server/v3rpc", "server/etcdserver"}},
	{"server/practice", []string{"server/practice"}},
	{"server/control", []string{"server/control"}}, // and nobody on the path knows that it exists
	{"server/seam", []string{"server/seam", "server/control", "server/practice", "server/serve", "server/v3rpc", "server/etcdserver", "trace"}},
	{"server/command", []string{"server", "trace"}},
	{"server", []string{"server/etcdserver", "server/v3rpc", "server/serve"}},
	{"walkthrough", []string{"walkthrough", "server", "trace"}},
	{"scripts", []string{"scripts", "walkthrough", "server", "trace"}},
	{".", []string{"walkthrough", "server", "trace"}},
}

// checkImports holds main → commands → walkthrough → server → trace, and that
// within the server only the seams and the command know of tracing.
func checkImports(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		may := mayImport(src.dir)
		for imp, path := range imports(src) {
			rest, ours := strings.CutPrefix(path, modulePath+"/")
			if ours && !slices.ContainsFunc(may, func(dir string) bool { return within(rest, dir) }) {
				problems = append(problems, fmt.Sprintf("%s: %s must not import %s", src.at(imp.Pos()), src.dir, rest))
			}
		}
	}
	return problems
}

func mayImport(dir string) []string {
	for _, layer := range layers {
		if layer.dir == "." || within(dir, layer.dir) {
			return layer.may
		}
	}
	return nil
}

// within reports whether a path is dir or lies below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

// imports yields the import declarations of a file with their paths.
func imports(src *source) map[*ast.ImportSpec]string {
	all := make(map[*ast.ImportSpec]string, len(src.Imports))
	for _, imp := range src.Imports {
		if path, err := strconv.Unquote(imp.Path.Value); err == nil {
			all[imp] = path
		}
	}
	return all
}

// traceStandsOn are what package trace may use. gRPC itself and etcd are not
// among them: a trace can be read where neither is.
var traceStandsOn = []string{
	modulePath + "/trace",
	"go.opentelemetry.io",
	"google.golang.org/protobuf",   // OTLP is protobuf
	"google.golang.org/grpc/codes", // the names of the codes
	"golang.org/x/sys",             // the monotonic clock
	"go.uber.org/zap",              // the logger that the rest of the program has
}

func checkTraceImports(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		if src.test || !within(src.dir, "trace") {
			continue
		}
		for imp, path := range imports(src) {
			allowed := func(dir string) bool { return within(path, dir) }
			if !isStandard(path) && !within(path, modulePath) && !slices.ContainsFunc(traceStandsOn, allowed) {
				problems = append(problems, fmt.Sprintf("%s: trace must not import %s", src.at(imp.Pos()), path))
			}
		}
	}
	return problems
}

// isStandard reports whether an import path belongs to the standard library:
// its first element is no host name.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && first != modulePath
}

// etcdProper are the packages of etcd that GlassKV stands in for. They are
// compared with, in a module of their own, and linked into nothing of ours.
var etcdProper = []string{
	"go.etcd.io/etcd/server/v3/embed",
	"go.etcd.io/etcd/server/v3/etcdserver",
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc",
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3client",
	"go.etcd.io/etcd/server/v3/etcdserver/apply",
}

func checkNoEtcdServer(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		if within(src.dir, "scripts/peers") {
			continue
		}
		for imp, path := range imports(src) {
			if slices.Contains(etcdProper, path) {
				problems = append(problems, fmt.Sprintf("%s: %s is what GlassKV stands in for", src.at(imp.Pos()), path))
			}
		}
	}
	return problems
}

// What is not imported may still come in through something that is.
func TestRealEtcdIsNotLinkedThroughOthers(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	for path := range strings.Lines(string(out)) {
		if path = strings.TrimSpace(path); slices.Contains(etcdProper, path) {
			t.Errorf("%s is linked", path)
		}
	}
}
