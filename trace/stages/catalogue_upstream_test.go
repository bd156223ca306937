package stages

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	// The catalogue also names functions and metrics of modules that no code of ours
	// imports: etcd does. They are imported here so that go.mod holds the versions that
	// the reader's module cache needs.
	_ "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus" // the gRPC metrics of a real etcd
	_ "github.com/soheilhy/cmux"                                          // where a real etcd tells HTTP/2 from HTTP/1
)

// The functions that the catalogue sends its readers to exist, under these very
// names, in the versions of the modules that go.mod names.
func TestCatalogueNamesUpstreamSymbols(t *testing.T) {
	symbols := upstreamSymbols(t)
	eachStage(t, func(t *testing.T, spec *Spec) {
		up := spec.Upstream
		if up.Module != StandardLibrary && up.Package != up.Module && !strings.HasPrefix(up.Package, up.Module+"/") {
			t.Errorf("package %s does not lie in module %s", up.Package, up.Module)
		}
		if !symbols[up.Path()] {
			t.Errorf("upstream: no %s in %s", up.Name, up.Package)
		}
		if n := len(spec.Next); n < 1 || n > 3 {
			t.Errorf("names %d symbols to read next, want 1 to 3", n)
		}
		for _, next := range spec.Next {
			if !symbols[next.Path()] {
				t.Errorf("next: no %s", next.Path())
			}
		}
	})
}

// A symbol is written as a reader knows it from a stack trace.
func TestSymbolNamesThePackageNotThePath(t *testing.T) {
	for want, s := range map[string]Stage{
		"grpc.(*Server).handleRawConn":     HandleRawConn,
		"raft.(*node).Propose":             RaftPropose,
		"wal.(*WAL).sync":                  WALSync,
		"transport.(*loopyWriter).run":     Flush,
		"etcdserver.(*EtcdServer).run":     ApplyWait,
		"cmux.(*cMux).serve":               CmuxMatch,
		"schedule.(*fifo).run":             ApplySchedule,
		"read.(*Read).requestCurrentIndex": ReadIndex,
		"":                                 None,
	} {
		if got := SpecOf(s).Upstream.String(); got != want {
			t.Errorf("%s is written %q, want %q", s, got, want)
		}
	}
}

// The metrics that the catalogue promises are registered by etcd, or by the
// library that etcd takes gRPC's from.
func TestCatalogueNamesMetricsOfEtcd(t *testing.T) {
	const (
		etcd       = "go.etcd.io/etcd/server/v3"
		middleware = "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	)
	dirs := goList(t, "-m", "-f", "{{.Path}} {{.Dir}}", etcd, middleware)
	metrics := make(map[string]bool)
	for _, module := range []string{etcd, middleware} {
		if err := collectMetrics(dirs[module], metrics); err != nil {
			t.Fatalf("read the metrics of %s: %v", module, err)
		}
	}
	eachStage(t, func(t *testing.T, spec *Spec) {
		if spec.Metric != "" && !metrics[spec.Metric] {
			t.Errorf("etcd has no metric %s", spec.Metric)
		}
	})
}

// upstreamSymbols declares everything that stands in the packages which the
// catalogue mentions, as "import/path.Name", with methods as "Type.Method" and
// "(*Type).Method".
func upstreamSymbols(t *testing.T) map[string]bool {
	t.Helper()
	var packages []string
	for _, spec := range Specs() {
		packages = append(packages, spec.Upstream.Package)
		for _, next := range spec.Next {
			packages = append(packages, next.Package)
		}
	}
	slices.Sort(packages)
	packages = slices.Compact(packages)

	symbols := make(map[string]bool)
	args := append([]string{"-find", "-f", "{{.ImportPath}} {{.Dir}}"}, packages...)
	for path, dir := range goList(t, args...) {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range parsed.Decls {
				for _, name := range declared(decl) {
					symbols[path+"."+name] = true
				}
			}
		}
	}
	return symbols
}

func declared(decl ast.Decl) (names []string) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		names = append(names, receiver(d)+d.Name.Name)
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if ts, ok := s.(*ast.TypeSpec); ok {
				names = append(names, ts.Name.Name)
				names = append(names, interfaceMethods(ts)...)
			}
		}
	}
	return names
}

func interfaceMethods(ts *ast.TypeSpec) (names []string) {
	it, ok := ts.Type.(*ast.InterfaceType)
	if !ok {
		return nil
	}
	for _, method := range it.Methods.List {
		for _, name := range method.Names {
			names = append(names, ts.Name.Name+"."+name.Name)
		}
	}
	return names
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return ""
	}
	switch typ := d.Recv.List[0].Type.(type) {
	case *ast.Ident:
		return typ.Name + "."
	case *ast.StarExpr:
		if name, ok := typ.X.(*ast.Ident); ok {
			return "(*" + name.Name + ")."
		}
	}
	return "generic." // no upstream symbol of ours has type parameters
}

// goList runs go list and returns its lines, each of the form "name dir". It
// fails the test for a name without a directory.
func goList(t *testing.T, args ...string) map[string]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	dirs := make(map[string]string)
	for line := range strings.Lines(string(out)) {
		name, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if dir == "" {
			t.Fatalf("%s is not in the module cache: run go mod download", name)
		}
		dirs[name] = dir
	}
	return dirs
}

// collectMetrics reads the names of all Prometheus metrics that are declared
// below dir.
func collectMetrics(dir string, metrics map[string]bool) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(source, []byte("prometheus.")) && !bytes.Contains(source, []byte("prom.")) {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if lit, ok := n.(*ast.CompositeLit); ok {
				metrics[metricName(lit)] = true
			}
			return true
		})
		return nil
	})
}

// metricName joins Namespace, Subsystem and Name of a metric's options, as the
// client library does. It is empty for any other literal.
func metricName(lit *ast.CompositeLit) string {
	fields := make(map[string]string)
	for _, element := range lit.Elts {
		kv, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		key, isName := kv.Key.(*ast.Ident)
		value, isText := kv.Value.(*ast.BasicLit)
		if isName && isText && value.Kind == token.STRING {
			fields[key.Name], _ = strconv.Unquote(value.Value)
		}
	}
	if fields["Name"] == "" || fields["Help"] == "" {
		return ""
	}
	parts := []string{fields["Namespace"], fields["Subsystem"], fields["Name"]}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), "_")
}
