package house

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// layer says which packages of this module a folder may import. Packages are
// named as the go command names them, a folder or "folder/..."; a folder may
// always import itself, from its tests.
type layer struct {
	dir string
	may []string
	// tests may be imported by the folder's tests besides, and by a package of
	// help for tests, whose name ends in "test".
	tests []string
}

// Packages that several layers may import.
var (
	pathParts = []string{"server/etcdserver", "server/v3rpc", "server/serve"}
	record    = []string{"trace", "trace/stages", "trace/record"}
	steering  = with(record, "server/control", "server/seam/frames", "server/seam/fault", "server/seam/hold")
	seamRigs  = []string{"server/...", "trace/..."}
)

// layers keep imports going main → commands → walkthrough → server → trace. Within the
// server only the seams and the command know of tracing. If several layers fit a
// folder, the first counts.
var layers = []layer{
	{"trace/stages", nil, nil},
	{"trace", []string{"trace/stages"}, []string{"trace/..."}},
	{"trace/record/...", []string{"trace", "trace/stages"}, []string{"trace/..."}},
	{"trace/otlp/...", record, []string{"trace/..."}},
	{"trace/...", []string{"trace/..."}, nil},

	{"server/etcdserver/...", nil, nil},
	{"server/v3rpc/...", []string{"server/etcdserver"}, nil},
	{"server/serve/...", []string{"server/v3rpc", "server/etcdserver"}, []string{"server/serve/..."}},
	{"server/practice/...", nil, nil},
	{"server/control/...", nil, nil}, // no package on a request's path imports it

	{"server/seam/frames", nil, nil},
	{"server/seam/client", with(record, "server/seam/frames"), seamRigs},
	{"server/seam/fault", with(record, "server/control", "server/seam/frames"), seamRigs},
	{"server/seam/hold", with(record, "server/control"), seamRigs},
	{"server/seam/front", slices.Concat(steering, pathParts, []string{"server/seam/client"}), seamRigs}, // the gateway is a client
	{"server/seam/path", with(steering, "server/etcdserver", "server/v3rpc"), seamRigs},
	{"server/seam/...", slices.Concat(pathParts, []string{"server/seam/...", "server/control", "server/practice", "trace/..."}), []string{"server/serve/servetest"}},

	{"server/command/...", []string{"server/...", "trace/..."}, nil},
	{"server/...", pathParts, nil},

	{"walkthrough/client", with(record, "trace/endpoint", "server/seam/client", "server/seam/frames"), []string{"walkthrough/...", "server/...", "trace/..."}},
	{"walkthrough/...", slices.Concat(pathParts, []string{"walkthrough/...", "server/control", "server/practice", "server/seam/...", "trace/..."}), []string{"server/..."}},
	{"scripts/...", []string{"scripts/...", "walkthrough/...", "server/...", "trace/..."}, nil},
	{".", []string{"walkthrough/...", "server/...", "trace/..."}, nil},
}

// A layer of a folder that does not exist would be kept by nobody.
func TestEveryLayerExists(t *testing.T) {
	repository, err := load("../..")
	if err != nil {
		t.Skip(err)
	}
	for _, l := range layers {
		if dir := strings.TrimSuffix(l.dir, "/..."); !repository.has(dir) {
			t.Errorf("%s does not exist", dir)
		}
	}
	for _, l := range links {
		if !repository.has(l.dir) {
			t.Errorf("%s does not exist", l.dir)
		}
	}
}

// checkLayers compares what each file imports with what its folder may.
func checkLayers(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		l := layerOf(src.dir)
		may := with(l.may, src.dir)
		if src.test || isForTests(src.dir) {
			may = append(may, l.tests...)
		}
		for imp, path := range imports(src) {
			if within(path, modulePath) && !among(local(path), may) {
				problems = append(problems, fmt.Sprintf("%s: %s must not import %s", src.at(imp.Pos()), src.dir, local(path)))
			}
		}
	}
	return problems
}

// openLayers finds layers that may import a folder, but not all that this folder
// may import. If there is none, what the files of a folder do not import does not
// come in through another folder either.
func openLayers(layers []layer) []string {
	var problems []string
	for _, l := range layers {
		for _, pattern := range l.may {
			dir, below := strings.CutSuffix(pattern, "/...")
			for i, other := range layers {
				first := i == slices.IndexFunc(layers, func(l layer) bool { return among(dir, []string{l.dir}) })
				imported := first || below && within(other.dir, dir)
				if !imported {
					continue
				}
				for _, further := range other.may {
					if !slices.Contains(l.may, further) && !among(strings.TrimSuffix(further, "/..."), l.may) {
						problems = append(problems, fmt.Sprintf("%s may import %s, and so must be allowed %s", l.dir, pattern, further))
					}
				}
			}
		}
	}
	return problems
}

func TestLayersAreClosed(t *testing.T) {
	for _, problem := range openLayers(layers) {
		t.Error(problem)
	}
	open := []layer{{dir: "walkthrough/client", may: []string{"server/seam"}}, {dir: "server/seam/...", may: []string{"server/serve"}}}
	if problems := openLayers(open); len(problems) != 1 {
		t.Errorf("a layer that is open brought %q", problems)
	}
}

func with(packages []string, more ...string) []string { return slices.Concat(packages, more) }

func layerOf(dir string) layer {
	for _, l := range layers {
		if l.dir == "." || among(dir, []string{l.dir}) {
			return l
		}
	}
	return layer{}
}

// local is a package of this module as the layers name it.
func local(path string) string {
	if path == modulePath {
		return "."
	}
	return strings.TrimPrefix(path, modulePath+"/")
}

// among reports whether a pattern fits a package.
func among(pkg string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		dir, below := strings.CutSuffix(pattern, "/...")
		return pkg == dir || below && within(pkg, dir)
	})
}

// within reports whether a path is dir or lies below it.
func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, dir+"/")
}

// isForTests reports whether a folder helps tests and is no part of the product.
func isForTests(dir string) bool { return strings.HasSuffix(dir, "test") }

// importers has what the code of each folder of the module imports. Imports of tests
// are left out: they are not linked into anything.
type importers map[string][]string

func linkedBy(sources []*source) importers {
	all := make(importers)
	for _, src := range sources {
		if src.test {
			continue
		}
		all[src.dir] = append(all[src.dir], slices.Sorted(maps.Values(imports(src)))...)
	}
	return all
}

// everything returns what a package imports, of this module or of another.
func (all importers) everything(pkg string) []string {
	if within(pkg, modulePath) {
		return all[local(pkg)]
	}
	return foreign()[pkg]
}

// foreign returns what the packages of other modules import, which the go command knows
// and the tree does not.
var foreign = sync.OnceValue(func() map[string][]string {
	all := make(map[string][]string)
	list := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports", "./...")
	list.Dir = "../.."
	out, err := list.Output()
	if err != nil {
		panic(fmt.Errorf("go list -deps: %w", err)) // no rule about links could be kept
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); err != nil {
			panic(err)
		}
		all[p.ImportPath] = p.Imports
	}
	return all
})

// chains follows imports from a package, breadth first, and returns the shortest chain
// of imports to each package that is wrong. It does not follow the imports of those.
func chains(from string, imports func(string) []string, wrong func(string) bool) [][]string {
	var found [][]string
	seen := map[string]bool{from: true}
	for queue := [][]string{{from}}; len(queue) > 0; queue = queue[1:] {
		chain := queue[0]
		for _, pkg := range imports(chain[len(chain)-1]) {
			if seen[pkg] {
				continue
			}
			seen[pkg] = true
			next := append(slices.Clone(chain), pkg)
			if wrong(pkg) {
				found = append(found, next)
			} else {
				queue = append(queue, next)
			}
		}
	}
	return found
}

// seamClients are the packages that make requests with the client's half of the seams.
var seamClients = []string{"walkthrough/client", "walkthrough/walk/tour"}

// checkRooms finds imports of server/seam's sub-packages from elsewhere. Only
// seamClients may import one, the client's half.
func checkRooms(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		if src.test || isForTests(src.dir) || within(src.dir, "server/seam") {
			continue
		}
		for imp, path := range imports(src) {
			if room := local(path); strings.HasPrefix(room, "server/seam/") && (room != "server/seam/client" || !slices.Contains(seamClients, src.dir)) {
				problems = append(problems, fmt.Sprintf("%s: %s must import server/seam, not %s", src.at(imp.Pos()), src.dir, room))
			}
		}
	}
	return problems
}

// links say which packages a folder may link, itself or through its imports: no other
// modules' packages than only, if it is not nil, and none of never.
var links = []struct {
	dir   string
	only  []string
	never []string
}{
	{dir: "trace/stages", only: []string{}},
	{dir: "trace", only: []string{}},
	{dir: "trace/record", only: []string{"golang.org/x/sys/..."}},   // the monotonic clock
	{dir: "trace/endpoint", only: []string{"golang.org/x/sys/..."}}, // a trace is read where neither gRPC nor etcd is
	// A client is small: it has nothing of a server in it.
	{dir: "walkthrough/client", never: []string{"go.etcd.io/raft/v3/...", "go.etcd.io/etcd/server/v3/...", modulePath + "/server/etcdserver/..."}},
}

func checkLinked(t tree) []string {
	var problems []string
	code := linkedBy(t.sources())
	for _, l := range links {
		wrong := func(pkg string) bool {
			return among(pkg, l.never) || l.only != nil && !isStandard(pkg) && !within(pkg, modulePath) && !among(pkg, l.only)
		}
		if found := chains(modulePath+"/"+l.dir, code.everything, wrong); len(found) > 0 {
			problems = append(problems, fmt.Sprintf("%s must not link %d packages, the nearest: %s", l.dir, len(found), strings.Join(found[0], " → ")))
		}
	}
	return problems
}

// otlpStandsOn is what trace/otlp may import from other modules. What those link
// in turn, gRPC among it, is theirs.
var otlpStandsOn = []string{
	"go.opentelemetry.io/...",
	"google.golang.org/protobuf/...", // OTLP is protobuf
	"google.golang.org/grpc/codes",   // the names of the codes
}

func checkOTLPImports(t tree) []string {
	var problems []string
	for _, src := range t.sources() {
		if src.test || !within(src.dir, "trace/otlp") {
			continue
		}
		for imp, path := range imports(src) {
			if !isStandard(path) && !within(path, modulePath) && !among(path, otlpStandsOn) {
				problems = append(problems, fmt.Sprintf("%s: trace/otlp must not import %s", src.at(imp.Pos()), path))
			}
		}
	}
	return problems
}

// imports returns the import declarations of a file with their paths.
func imports(src *source) map[*ast.ImportSpec]string {
	all := make(map[*ast.ImportSpec]string, len(src.Imports))
	for _, imp := range src.Imports {
		if path, err := strconv.Unquote(imp.Path.Value); err == nil {
			all[imp] = path
		}
	}
	return all
}

// isStandard reports whether an import path belongs to the standard library:
// its first element is no host name.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && first != modulePath
}

// etcdProper are the packages of etcd that GlassKV replaces. Only scripts/peers, a module
// of its own, links them, to compare GlassKV with etcd.
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
				problems = append(problems, fmt.Sprintf("%s: %s is what GlassKV replaces", src.at(imp.Pos()), path))
			}
		}
	}
	return problems
}

// A package that no file imports may still be linked through another.
func TestRealEtcdIsNotLinkedThroughOthers(t *testing.T) {
	for _, path := range etcdProper {
		if _, linked := foreign()[path]; linked {
			t.Errorf("%s is linked", path)
		}
	}
}
