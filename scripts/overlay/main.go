// Command overlay measures how far the edges of stages are from the true entry and
// exit of grpc-go's private functions:
//
//	go run ./scripts/overlay -requests 5000
//
// It builds the program edges, a server with all seams and a client, against a copy of
// grpc-go in which the functions of package truth note when each function of interest
// is entered and left. The program makes requests one at a time and prints the
// difference for every edge. The repository holds nothing of grpc-go: the patched
// files are made in a temporary directory, from the module cache.
//
// The go command does not let an overlay replace files of the module cache. So a
// second go.mod replaces grpc-go with a symbolic link to its folder in the cache,
// and the overlay replaces files below the link.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"glasskv/scripts/overlay/truth"
)

const grpcModule = "google.golang.org/grpc"

func main() {
	requests := flag.Int("requests", 5000, "requests to compare")
	puts := flag.Bool("puts", false, "send puts, with an fsync each, instead of reads that follow each other quickly")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, "-requests", strconv.Itoa(*requests), "-puts="+strconv.FormatBool(*puts))
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "overlay:", err)
		os.Exit(1)
	}
}

// run builds edges with the overlay and runs it with args.
func run(ctx context.Context, args ...string) (err error) {
	dir, err := os.MkdirTemp("", "glasskv-overlay-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := prepare(ctx, dir); err != nil {
		return err
	}
	binary := filepath.Join(dir, "edges")
	if err := command(ctx, "go", "build", "-modfile", filepath.Join(dir, "go.mod"),
		"-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./scripts/overlay/edges").Run(); err != nil {
		return fmt.Errorf("build the patched program: %w", err)
	}
	return command(ctx, binary, args...).Run()
}

// prepare writes into dir what building edges needs: a go.mod that replaces grpc-go, the
// symbolic link that it points to, and the overlay.
func prepare(ctx context.Context, dir string) error {
	source, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}", grpcModule)
	if err != nil {
		return fmt.Errorf("find grpc-go (run this from the top of the repository): %w", err)
	}
	link := filepath.Join(dir, "grpc")
	if err := os.Symlink(source, link); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "go.mod" {
			content = fmt.Appendf(content, "\nreplace %s => %s\n", grpcModule, link)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	replaced, err := patchAll(source, link, dir)
	if err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// insertion is text to insert into a file at an offset.
type insertion struct {
	at   int
	text string
}

// patchAll writes to dir patched copies of the files in source that have a target. It
// returns the overlay: the path of each file below link, and that of its copy.
func patchAll(source, link, dir string) (map[string]string, error) {
	edits := make(map[string][]insertion) // by file, relative to the module
	for point := range truth.Targets {
		file, edit, err := find(source, truth.Point(point), truth.Targets[point])
		if err != nil {
			return nil, err
		}
		edits[file] = append(edits[file], edit)
	}
	replaced := make(map[string]string)
	for file, inserts := range edits {
		patched := filepath.Join(dir, strings.ReplaceAll(file, string(filepath.Separator), "_"))
		if err := patch(filepath.Join(source, file), patched, inserts); err != nil {
			return nil, err
		}
		replaced[filepath.Join(link, file)] = patched
	}
	return replaced, nil
}

// find returns the file of a target's function, relative to source, and the insertion
// that notes its calls. It is at the beginning of the body, so that the deferred exit
// is the last to run.
func find(source string, point truth.Point, target truth.Target) (file string, edit insertion, err error) {
	names, err := filepath.Glob(filepath.Join(source, target.Package, "*.go"))
	if err != nil {
		return "", edit, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return "", edit, err
		}
		for _, decl := range parsed.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || fn.Body == nil || symbol(fn) != target.Func {
				continue
			}
			file, err = filepath.Rel(source, name)
			return file, insertion{fset.Position(fn.Body.Lbrace).Offset + 1, call(point, target)}, err
		}
	}
	return "", edit, fmt.Errorf("%s.%s: no such function in this version", filepath.Join(grpcModule, target.Package), target.Func)
}

// call returns the statements that note the entry and exit of a target's function.
func call(point truth.Point, target truth.Target) string {
	text := fmt.Sprintf("truth.Enter(%d); defer truth.Exit(%d);", point, point)
	if target.If != "" {
		text = fmt.Sprintf("if %s { %s };", target.If, text)
	}
	return " " + text
}

// symbol names a function as the catalogue of stages does: "Func", "Type.Method" or
// "(*Type).Method".
func symbol(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	switch recv := fn.Recv.List[0].Type.(type) {
	case *ast.StarExpr:
		if id, ok := recv.X.(*ast.Ident); ok {
			return "(*" + id.Name + ")." + fn.Name.Name
		}
	case *ast.Ident:
		return recv.Name + "." + fn.Name.Name
	}
	return ""
}

// patch copies a file with the insertions and the import that they need. It adds no
// lines, so line numbers stay the same.
func patch(from, to string, inserts []insertion) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), from, content, parser.PackageClauseOnly)
	if err != nil {
		return err
	}
	inserts = append(inserts, insertion{int(parsed.Name.End()) - 1, `; import truth "glasskv/scripts/overlay/truth"`})
	slices.SortFunc(inserts, func(a, b insertion) int { return cmp.Compare(b.at, a.at) })
	for _, in := range inserts { // from the end, so that offsets stay valid
		content = slices.Insert(content, in.at, []byte(in.text)...)
	}
	return os.WriteFile(to, content, 0o600)
}
