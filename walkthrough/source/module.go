package source

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unicode"
)

// Places says where sources are, and which versions are meant.
type Places struct {
	Cache    string            // the module cache
	Std      string            // the src folder of the Go release that built this binary, or ""
	Vendor   string            // a vendor folder, looked into first, or ""
	Versions map[string]string // by module path
	NoGo     bool              // there is no go command here
}

// goEnvTimeout bounds each question to the go command.
const goEnvTimeout = 5 * time.Second

// builtPlaces asks what this binary was built with, and the go command where
// that is.
func builtPlaces() Places {
	p := here()
	p.Versions = make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	for _, dep := range info.Deps {
		// What a replace directive put in its place stands under another name,
		// perhaps in a folder of the builder's: it is not known here.
		if dep.Replace == nil {
			p.Versions[dep.Path] = dep.Version
		}
	}
	if dir, err := os.Getwd(); err == nil {
		p.Vendor = vendorOf(dir, info.Main.Path)
	}
	return p
}

// here finds the module cache and the standard library. The go command knows
// best; without one the cache is where it would be by default.
func here() Places {
	ctx, cancel := context.WithTimeout(context.Background(), goEnvTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE", "GOROOT", "GOVERSION").Output()
	lines := strings.Split(strings.ReplaceAll(string(out), "\r", ""), "\n")
	if err != nil || len(lines) < 3 {
		return Places{Cache: defaultCache(), NoGo: true}
	}
	p := Places{Cache: lines[0]}
	if lines[2] == runtime.Version() {
		p.Std = filepath.Join(lines[1], "src")
	}
	return p
}

func defaultCache() string {
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		return dir
	}
	if path := os.Getenv("GOPATH"); path != "" {
		return filepath.Join(filepath.SplitList(path)[0], "pkg", "mod")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, "go", "pkg", "mod")
}

// vendorOf returns the vendor folder of the module that dir lies in, when that is
// the module of this binary and it has one; else "".
func vendorOf(dir, module string) string {
	for {
		gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			vendor := filepath.Join(dir, "vendor")
			if _, err := os.Stat(filepath.Join(vendor, "modules.txt")); err != nil || moduleName(string(gomod)) != module {
				return ""
			}
			return vendor
		}
		above := filepath.Dir(dir)
		if above == dir {
			return ""
		}
		dir = above
	}
}

func moduleName(gomod string) string {
	for line := range strings.Lines(gomod) {
		if name, ok := strings.CutPrefix(line, "module "); ok {
			return strings.Trim(strings.TrimSpace(name), `"`)
		}
	}
	return ""
}

// modulePlaces reads the versions out of dir's go.mod, for checks and tests: a
// test binary does not know what it was built with.
func modulePlaces(ctx context.Context, dir string) (Places, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "edit", "-json")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return Places{}, fmt.Errorf("read go.mod: %w", err)
	}
	var file struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(out, &file); err != nil {
		return Places{}, fmt.Errorf("read go.mod: %w", err)
	}
	p := here()
	p.Versions = make(map[string]string, len(file.Require))
	for _, r := range file.Require {
		p.Versions[r.Path] = r.Version
	}
	return p, nil
}

// module is a module at the version that is meant, or the standard library.
type module struct {
	path    string // "" for the standard library and for a module that is not known
	version string // the Go release for the standard library
}

// String writes it as the go command does.
func (m module) String() string {
	if m.path == "" {
		return m.version
	}
	return m.path + "@" + m.version
}

// inside is the path of a package's file within the module. The standard
// library's files are named below src.
func (m module) inside(pkg, file string) string {
	below := strings.TrimPrefix(strings.TrimPrefix(pkg, m.path), "/")
	return path.Join(below, file)
}

// moduleOf finds the module that a package belongs to: of those known whose path
// it begins with, the longest.
func (l *Library) moduleOf(pkg string) module {
	var m module
	for path, version := range l.places.Versions {
		if (pkg == path || strings.HasPrefix(pkg, path+"/")) && len(path) > len(m.path) {
			m = module{path, version}
		}
	}
	if first, _, _ := strings.Cut(pkg, "/"); m.path == "" && !strings.Contains(first, ".") {
		m.version = runtime.Version()
	}
	return m
}

// folderOf finds the folder of a package. It returns ErrNotHere.
func (l *Library) folderOf(m module, pkg string) (*folder, error) {
	if m.version == "" {
		return nil, &NotHereError{Module: pkg}
	}
	for _, dir := range l.candidates(m, pkg) {
		if f, err := l.folder(dir); err == nil {
			return f, nil
		}
	}
	return nil, &NotHereError{Module: m.String(), Command: "go mod download " + download(m), NoGo: l.places.NoGo}
}

// candidates are the folders that a package may stand in, the best first.
func (l *Library) candidates(m module, pkg string) (dirs []string) {
	p := &l.places
	if m.path == "" {
		if p.Std != "" {
			dirs = append(dirs, filepath.Join(p.Std, filepath.FromSlash(pkg)))
		}
		// The go command keeps the releases that it fetched by itself here.
		return append(dirs, filepath.Join(p.Cache, filepath.FromSlash(download(m)), "src", filepath.FromSlash(pkg)))
	}
	if p.Vendor != "" && vendors(p.Vendor, m) {
		dirs = append(dirs, filepath.Join(p.Vendor, filepath.FromSlash(pkg)))
	}
	root := escapePath(m.path) + "@" + escapePath(m.version)
	return append(dirs, filepath.Join(p.Cache, root, filepath.FromSlash(m.inside(pkg, ""))))
}

// vendors tells whether a vendor folder holds this very version of a module.
func vendors(dir string, m module) bool {
	list, err := os.ReadFile(filepath.Join(dir, "modules.txt"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(list)) {
		if strings.TrimSpace(line) == "# "+m.path+" "+m.version {
			return true
		}
	}
	return false
}

// download is what `go mod download` takes: a Go release is a module to it.
func download(m module) string {
	if m.path != "" {
		return m.String()
	}
	return "golang.org/toolchain@v0.0.1-" + m.version + "." + runtime.GOOS + "-" + runtime.GOARCH
}

// escapePath writes a module path as the cache does: a capital letter becomes
// an exclamation mark and the small letter.
func escapePath(path string) string {
	var b strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return filepath.FromSlash(b.String())
}

// repositories says where the modules stand whose path is no address. The
// folder is that of the module within its repository.
var repositories = []struct{ module, repository, folder string }{
	{"google.golang.org/grpc", "grpc/grpc-go", ""},
	{"google.golang.org/protobuf", "protocolbuffers/protobuf-go", ""},
	{"go.etcd.io/etcd/api/v3", "etcd-io/etcd", "api"},
	{"go.etcd.io/etcd/pkg/v3", "etcd-io/etcd", "pkg"},
	{"go.etcd.io/etcd/server/v3", "etcd-io/etcd", "server"},
	{"go.etcd.io/etcd/client/v3", "etcd-io/etcd", "client/v3"},
	{"go.etcd.io/etcd/client/pkg/v3", "etcd-io/etcd", "client/pkg"},
	{"go.etcd.io/raft/v3", "etcd-io/raft", ""},
	{"go.etcd.io/bbolt", "etcd-io/bbolt", ""},
	{"go.uber.org/zap", "uber-go/zap", ""},
	{"golang.org/x/net", "golang/net", ""},
	{"golang.org/x/sys", "golang/sys", ""},
	{"golang.org/x/time", "golang/time", ""},
	{"github.com/soheilhy/cmux", "soheilhy/cmux", ""},
	{"github.com/grpc-ecosystem/grpc-gateway/v2", "grpc-ecosystem/grpc-gateway", ""},
}

// url is where lines of a file stand on the Web; "" for a module that is not in
// the list and for a version that is no tag.
func (m module) url(name string, first, last int) string {
	if m.path == "" {
		if !strings.HasPrefix(m.version, "go1") || strings.Contains(m.version, " ") {
			return ""
		}
		return lineURL("golang/go", m.version, "src/"+name, first, last)
	}
	if strings.Count(m.version, "-") > 0 {
		return ""
	}
	for _, r := range repositories {
		if r.module != m.path {
			continue
		}
		if r.folder != "" {
			name = r.folder + "/" + name
		}
		version, _, _ := strings.Cut(m.version, "+")
		return lineURL(r.repository, version, name, first, last)
	}
	return ""
}

func lineURL(repository, tag, name string, first, last int) string {
	return fmt.Sprintf("https://github.com/%s/blob/%s/%s#L%d-L%d", repository, tag, name, first, last)
}
