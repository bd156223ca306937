package house

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/build"
	"go/constant"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

// kept are names that checkUnused would complain about and that stay all the
// same, each with its reason. A name is the folder, a dot and the identifier, a
// method's with its type in between; a star stands for any letters.
var kept = map[string]string{
	"server/*.Default*":               "what a configuration holds that says nothing else; most have etcd's names",
	"server/seam/fault.smallWindow":   "set by name, out of the table of faults",
	"server/seam/fault.busyProcessor": "set by name, out of the table of faults",

	"server/serve.Health":               "what /health answers, in its shape for programs",
	"server/serve.Metrics*":             "values of Config.Metrics, in etcd's words",
	"server/serve.Node.ClientHTTPAddrs": "an embedding program asks where it listens, as for the other addresses",
	"server/serve.Node.MetricsAddrs":    "likewise",

	"walkthrough/command.*":    "a command is a constructor, its options and a plain function that takes a writer",
	"walkthrough/demo.Options": "likewise",
	"walkthrough/demo.Run":     "likewise",
	"walkthrough/lesson.*":     "the nouns of lesson.yaml, documented for authors of lessons; and a command's parts",

	"walkthrough/chapter.Parse":       "tests of the walk read chapters of their own",
	"walkthrough/page.Handler":        "serves the page to the browser of a test",
	"walkthrough/screen.DefaultWidth": "tests of other packages draw at this width",
	"walkthrough/source.New":          "tests of other packages have modules of their own",
	"walkthrough/source.Places":       "likewise",
}

// checkUnused finds exported names that no other package uses, and constants
// that nothing produces. A use in a test does not count, except for the names of
// packages that are there for checks alone.
func checkUnused(t tree) []string {
	if !t.has("go.mod") {
		return findUnused(t, nil) // an example, of which the lists know nothing
	}
	return findUnused(t, slices.Sorted(maps.Keys(kept)))
}

// findUnused also complains about an exception that no name needs.
func findUnused(t tree, exceptions []string) []string {
	var problems []string
	needed := make(map[string]bool)
	c := newChecker(t)
	complain := func(objects []types.Object, what string) {
		for _, obj := range objects {
			name := c.name(obj)
			i := slices.IndexFunc(exceptions, func(pattern string) bool {
				ok, err := path.Match(pattern, name)
				return ok && err == nil
			})
			if i < 0 {
				problems = append(problems, fmt.Sprintf("%s: %s %s", c.at(obj), name, what))
			} else {
				needed[exceptions[i]] = true
			}
		}
	}
	complain(c.uncalled(), "is exported, and no other package uses it")
	complain(c.unproduced(), "is a constant that nothing produces")
	for _, pattern := range exceptions {
		if !needed[pattern] {
			problems = append(problems, fmt.Sprintf("%s needs no exception: take it off the list", pattern))
		}
	}
	return problems
}

func TestExceptionThatNothingNeeds(t *testing.T) {
	unused := tree{"trace/read.go": "package trace\nfunc Read() {}\nfunc Walk() {}\n"}
	for _, exceptions := range [][]string{{"trace.*"}, {"trace.Read", "trace.Walk"}} {
		if problems := findUnused(unused, exceptions); len(problems) > 0 {
			t.Errorf("%q: %q", exceptions, problems)
		}
	}
	if problems := findUnused(unused, []string{"trace.*", "trace.Find"}); len(problems) != 1 {
		t.Errorf("an exception that nothing needs brought %q", problems)
	}
}

// unit is a type-checked package: the code of a folder, or its code with its internal
// tests, or its external tests.
type unit struct {
	dir   string
	test  bool
	files []*ast.File
	pkg   *types.Package
	info  *types.Info
}

// checker type-checks a tree and notes which names are used from where.
type checker struct {
	parsed   map[string]map[string][]*ast.File // folder, name of the package, files
	code     map[string]*unit                  // by folder; without tests
	tests    []*unit
	outside  types.Importer
	used     map[types.Object]bool // from another package
	produced map[types.Object]bool // constants whose value something takes
}

func newChecker(t tree) *checker {
	c := &checker{
		parsed:   make(map[string]map[string][]*ast.File),
		code:     make(map[string]*unit),
		used:     make(map[types.Object]bool),
		produced: make(map[types.Object]bool),
	}
	c.parse(t)
	for _, dir := range slices.Sorted(maps.Keys(c.parsed)) {
		c.check(dir)
	}
	for _, dir := range slices.Sorted(maps.Keys(c.parsed)) {
		c.checkTests(dir)
	}
	for _, u := range c.code {
		c.collect(u)
	}
	for _, u := range c.tests {
		c.collect(u)
	}
	return c
}

// parse reads the files that the compiler would take on this machine, and asks
// the go command for the export data of what they import from elsewhere.
func (c *checker) parse(t tree) {
	host := build.Default
	host.JoinPath = path.Join
	host.OpenFile = func(name string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(t[name])), nil
	}
	foreign := make(map[string]bool)
	for _, src := range t.sources() {
		if ok, err := host.MatchFile(src.dir, path.Base(src.name)); err != nil || !ok || moduleOf(t, src.dir) != "go.mod" {
			continue
		}
		if c.parsed[src.dir] == nil {
			c.parsed[src.dir] = make(map[string][]*ast.File)
		}
		name := src.Name.Name
		if src.test && !strings.HasSuffix(name, "_test") {
			name += "+"
		}
		c.parsed[src.dir][name] = append(c.parsed[src.dir][name], src.File)
		for _, imported := range imports(src) {
			if !within(imported, modulePath) {
				foreign[imported] = true
			}
		}
	}
	c.outside = importer.ForCompiler(positions, "gc", exportData(slices.Sorted(maps.Keys(foreign))))
}

// exportData returns a lookup of the compiler's export data of the given packages and
// their dependencies.
func exportData(packages []string) importer.Lookup {
	files := make(map[string]string)
	if len(packages) > 0 {
		list := exec.Command("go", append([]string{"list", "-e", "-export", "-deps", "-json=ImportPath,Export", "--"}, packages...)...)
		list.Dir = "../.."
		out, _ := list.Output() // a package that is missing here fails when it is imported
		decoder := json.NewDecoder(bytes.NewReader(out))
		for {
			var p struct{ ImportPath, Export string }
			if decoder.Decode(&p) != nil {
				break
			}
			files[p.ImportPath] = p.Export
		}
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

// Import makes a checker the importer of its own packages.
func (c *checker) Import(name string) (*types.Package, error) {
	dir, ours := strings.CutPrefix(name, modulePath+"/")
	if !ours {
		return c.outside.Import(name)
	}
	if u := c.check(dir); u != nil {
		return u.pkg, nil
	}
	return nil, fmt.Errorf("no package in %s", dir)
}

// check types the code of a folder, once.
func (c *checker) check(dir string) *unit {
	if u := c.code[dir]; u != nil {
		return u
	}
	for name, files := range c.parsed[dir] {
		if !strings.HasSuffix(name, "+") && !strings.HasSuffix(name, "_test") {
			c.code[dir] = c.types(dir, files)
			return c.code[dir]
		}
	}
	return nil
}

// checkTests types the tests of a folder: those inside the package, together
// with its code, and those outside.
func (c *checker) checkTests(dir string) {
	for name, files := range c.parsed[dir] {
		inside := strings.HasSuffix(name, "+")
		if inside {
			files = slices.Concat(c.parsed[dir][strings.TrimSuffix(name, "+")], files)
		}
		if inside || strings.HasSuffix(name, "_test") {
			u := c.types(dir, files)
			u.test = true
			c.tests = append(c.tests, u)
		}
	}
}

// types type-checks files and ignores errors, about which the compiler complains.
func (c *checker) types(dir string, files []*ast.File) *unit {
	info := &types.Info{
		Types: make(map[ast.Expr]types.TypeAndValue),
		Defs:  make(map[*ast.Ident]types.Object),
		Uses:  make(map[*ast.Ident]types.Object),
	}
	config := types.Config{Importer: c, Error: func(error) {}}
	pkg, _ := config.Check(path.Join(modulePath, dir), positions, files, info)
	return &unit{dir: dir, files: files, pkg: pkg, info: info}
}

// collect notes what the files of a unit use.
func (c *checker) collect(u *unit) {
	for _, file := range u.files {
		var above []ast.Node
		ast.Inspect(file, func(n ast.Node) bool {
			if n == nil {
				above = above[:len(above)-1]
				return true
			}
			if id, ok := n.(*ast.Ident); ok {
				c.use(u, id, above)
			}
			above = append(above, n)
			return true
		})
	}
}

func (c *checker) use(u *unit, id *ast.Ident, above []ast.Node) {
	obj := u.info.Uses[id]
	if obj == nil || obj.Pkg() == nil || !within(obj.Pkg().Path(), modulePath) {
		return
	}
	obj = origin(obj)
	elsewhere := obj.Pkg().Path() != path.Join(modulePath, u.dir)
	counts := !u.test || elsewhere && c.onlyForTests(c.dir(obj))
	if !counts {
		return
	}
	if elsewhere {
		c.used[obj] = true
	}
	if isConstant(obj) && (!isEnumerated(obj) || !onlyAsks(id, above)) {
		c.produced[obj] = true
	}
}

// origin is the generic function or method that obj is an instance of, or obj.
func origin(obj types.Object) types.Object {
	if fn, ok := obj.(*types.Func); ok {
		return fn.Origin()
	}
	return obj
}

// onlyAsks reports whether a use of a constant only asks whether something has its
// value: in a case, as the key of a table, or in a comparison. above are the nodes
// around the identifier.
func onlyAsks(id *ast.Ident, above []ast.Node) bool {
	var expr ast.Expr = id
	parent := len(above) - 1
	if sel, ok := above[parent].(*ast.SelectorExpr); ok && sel.Sel == id {
		expr, parent = sel, parent-1
	}
	switch n := above[parent].(type) {
	case *ast.CaseClause:
		return true
	case *ast.KeyValueExpr:
		return n.Key == expr
	case *ast.BinaryExpr:
		return n.Op == token.EQL || n.Op == token.NEQ
	case *ast.IndexExpr:
		return n.Index == expr
	}
	return false
}

// isEnumerated reports whether a constant has a type of this module. Then it must be
// produced; of other constants any use counts.
func isEnumerated(obj types.Object) bool {
	named, ok := obj.Type().(*types.Named)
	return ok && named.Obj().Pkg() != nil && within(named.Obj().Pkg().Path(), modulePath)
}

// isZero reports whether a constant is the zero value, which any variable produces.
func isZero(k *types.Const) bool {
	value := k.Val()
	return value.Kind() == constant.Int && constant.Sign(value) == 0 || value.Kind() == constant.String && constant.StringVal(value) == ""
}

// unproduced returns the constants that nothing produces.
func (c *checker) unproduced() []types.Object {
	var found []types.Object
	for _, u := range c.code {
		for _, obj := range u.info.Defs {
			if k, ok := obj.(*types.Const); ok && k.Name() != "_" && !c.produced[k] && (!isEnumerated(k) || !isZero(k)) {
				found = append(found, obj)
			}
		}
	}
	return c.sorted(found)
}

// uncalled returns the exported names that only their own package uses.
func (c *checker) uncalled() []types.Object {
	alive := c.reached()
	var found []types.Object
	for _, u := range c.code {
		if u.pkg.Name() == "main" {
			continue
		}
		add := func(obj types.Object) {
			if obj.Exported() && !alive[obj] && !wellKnown[obj.Name()] && !isError(obj) {
				found = append(found, obj)
			}
		}
		for _, name := range u.pkg.Scope().Names() {
			obj := u.pkg.Scope().Lookup(name)
			if !isConstant(obj) || !isEnumerated(obj) { // the values of a type are exported together
				add(obj)
			}
			if obj.Exported() {
				for m := range methodsOf(obj) {
					add(m)
				}
			}
		}
	}
	return c.sorted(found)
}

// isError reports whether obj is an error or its type. Errors are part of what a
// function promises, whether a caller compares them or not.
func isError(obj types.Object) bool {
	switch obj := obj.(type) {
	case *types.Var:
		return strings.HasPrefix(obj.Name(), "Err")
	case *types.TypeName:
		return strings.HasSuffix(obj.Name(), "Error")
	}
	return false
}

func isConstant(obj types.Object) bool {
	_, ok := obj.(*types.Const)
	return ok
}

// onlyForTests reports whether a package is there for checks: it is imported by
// tests and by nothing else, or lies among the scripts.
func (c *checker) onlyForTests(dir string) bool {
	if within(dir, "scripts") {
		return true
	}
	if c.code[dir] == nil || c.code[dir].pkg.Name() == "main" {
		return false
	}
	for _, u := range c.code {
		for _, imported := range u.pkg.Imports() {
			if imported.Path() == path.Join(modulePath, dir) && !c.onlyForTests(u.dir) {
				return false
			}
		}
	}
	return true
}

// reached returns the objects that other packages use by name, the types in their
// declarations, and the methods by which types satisfy interfaces.
func (c *checker) reached() map[types.Object]bool {
	alive := make(map[types.Object]bool)
	seen := make(map[types.Type]bool)
	for obj := range c.used {
		alive[obj] = true
		walkType(obj.Type(), seen, func(name types.Object) { alive[name] = true })
	}
	interfaces := c.interfaces()
	for _, u := range c.code {
		for _, obj := range u.info.Defs {
			named, ok := obj.(*types.TypeName)
			if ok && !named.IsAlias() && !types.IsInterface(named.Type()) {
				satisfy(named.Type(), interfaces, alive)
			}
		}
	}
	return alive
}

// walkType calls visit with each named type that a value of a type leads to
// through what is exported.
func walkType(typ types.Type, seen map[types.Type]bool, visit func(types.Object)) {
	if seen[typ] {
		return
	}
	seen[typ] = true
	walk := func(t types.Type) { walkType(t, seen, visit) }
	switch typ := typ.(type) {
	case *types.Alias:
		visit(typ.Obj())
		walk(types.Unalias(typ))
	case *types.Named:
		for i := range typ.TypeArgs().Len() {
			walk(typ.TypeArgs().At(i))
		}
		if pkg := typ.Obj().Pkg(); pkg == nil || !within(pkg.Path(), modulePath) {
			return
		}
		visit(typ.Origin().Obj())
		walk(typ.Underlying())
		for m := range typ.Methods() {
			if m.Exported() {
				walk(m.Type())
			}
		}
	case *types.Map:
		walk(typ.Key())
		walk(typ.Elem())
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		walk(typ.Elem())
	case *types.Signature:
		for _, tuple := range []*types.Tuple{typ.Params(), typ.Results()} {
			for v := range tuple.Variables() {
				walk(v.Type())
			}
		}
	case *types.Struct:
		for f := range typ.Fields() {
			if f.Exported() {
				walk(f.Type())
			}
		}
	case *types.Interface:
		for embedded := range typ.EmbeddedTypes() {
			walk(embedded)
		}
		for m := range typ.Methods() {
			walk(m.Type())
		}
	}
}

// interfaces returns those in our code and in every package that it imports.
func (c *checker) interfaces() []*types.Interface {
	all := []*types.Interface{types.Universe.Lookup("error").Type().Underlying().(*types.Interface)}
	add := func(typ types.Type) {
		if i, ok := typ.Underlying().(*types.Interface); ok && i.NumMethods() > 0 {
			all = append(all, i)
		}
	}
	imported := make(map[*types.Package]bool)
	for _, u := range c.code {
		for expr, tv := range u.info.Types {
			if _, ok := expr.(*ast.InterfaceType); ok {
				add(tv.Type)
			}
		}
		for _, pkg := range u.pkg.Imports() {
			imported[pkg] = true
		}
	}
	for pkg := range imported {
		for _, name := range pkg.Scope().Names() {
			if obj, ok := pkg.Scope().Lookup(name).(*types.TypeName); ok {
				add(obj.Type())
			}
		}
	}
	return all
}

// satisfy marks in alive the methods by which a type satisfies an interface, including
// those of embedded types.
func satisfy(typ types.Type, interfaces []*types.Interface, alive map[types.Object]bool) {
	methods := types.NewMethodSet(types.NewPointer(typ))
	if methods.Len() == 0 {
		return
	}
	for _, i := range interfaces {
		if i.NumMethods() > methods.Len() || !types.Implements(types.NewPointer(typ), i) {
			continue
		}
		for m := range i.Methods() {
			alive[origin(methods.Lookup(m.Pkg(), m.Name()).Obj())] = true
		}
	}
}

// methodsOf yields the methods that are declared on a type.
func methodsOf(obj types.Object) func(yield func(*types.Func) bool) {
	return func(yield func(*types.Func) bool) {
		typ, ok := obj.(*types.TypeName)
		if !ok || typ.IsAlias() {
			return
		}
		if named, ok := typ.Type().(*types.Named); ok {
			named.Methods()(yield)
		}
	}
}

// dir returns the folder of the package that declares obj.
func (c *checker) dir(obj types.Object) string {
	return strings.TrimPrefix(obj.Pkg().Path(), modulePath+"/")
}

// name returns the name of obj in kept.
func (c *checker) name(obj types.Object) string {
	name := obj.Name()
	if fn, ok := obj.(*types.Func); ok && fn.Signature().Recv() != nil {
		recv := fn.Signature().Recv().Type()
		if pointer, ok := recv.(*types.Pointer); ok {
			recv = pointer.Elem()
		}
		if named, ok := recv.(*types.Named); ok {
			name = named.Obj().Name() + "." + name
		}
	}
	return c.dir(obj) + "." + name
}

func (c *checker) at(obj types.Object) string {
	position := positions.Position(obj.Pos())
	return fmt.Sprintf("%s:%d", position.Filename, position.Line)
}

func (c *checker) sorted(objects []types.Object) []types.Object {
	slices.SortFunc(objects, func(a, b types.Object) int { return int(a.Pos() - b.Pos()) })
	return objects
}
