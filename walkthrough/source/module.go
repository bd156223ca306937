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

// Places says where to read sources, and at which versions.
type Places struct {
	Cache    string            // the module cache
	Std      string            // the src folder of the Go release that built this binary, or ""
	Vendor   string            // a vendor folder, which has precedence over Cache, or ""
	Versions map[string]string // version by module path
	NoGo     bool              // this machine has no go command
}

// goEnvTimeout bounds a run of go env.
const goEnvTimeout = 5 * time.Second

// builtPlaces returns the places of the modules that this binary was built with.
func builtPlaces() Places {
	p := localPlaces()
	p.Versions = make(map[string]string)
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	for _, dep := range info.Deps {
		// A replacement has another name and may be a folder on the machine that
		// built this binary: leave its version unknown.
		if dep.Replace == nil {
			p.Versions[dep.Path] = dep.Version
		}
	}
	if dir, err := os.Getwd(); err == nil {
		p.Vendor = vendorOf(dir, info.Main.Path)
	}
	return p
}

// localPlaces returns the module cache and the standard library as go env reports
// them. Without a go command, it returns the default module cache.
func localPlaces() Places {
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

// vendorOf returns the vendor folder of the module that contains dir. It returns ""
// if the module has none or its path is not module.
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

// modulePlaces returns places with the versions of dir's go.mod.
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
	p := localPlaces()
	p.Versions = make(map[string]string, len(file.Require))
	for _, r := range file.Require {
		p.Versions[r.Path] = r.Version
	}
	return p, nil
}

// module is a module at a version, or the standard library.
type module struct {
	path    string // "" for the standard library and for an unknown module
	version string // the Go release for the standard library; "" for an unknown module
}

// String returns path@version, or the Go release for the standard library.
func (m module) String() string {
	if m.path == "" {
		return m.version
	}
	return m.path + "@" + m.version
}

// pathOf returns the path of a package's file relative to the module's root, or to
// src for the standard library.
func (m module) pathOf(pkg, file string) string {
	below := strings.TrimPrefix(strings.TrimPrefix(pkg, m.path), "/")
	return path.Join(below, file)
}

// moduleOf returns the module of a package: the known module with the longest path
// that is a prefix of the package's.
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

// folderOf returns the folder of a package in module m. The error is ErrNotHere.
func (l *Library) folderOf(m module, pkg string) (*folder, error) {
	if m.version == "" {
		return nil, &NotHereError{Module: pkg}
	}
	for _, dir := range l.packageDirs(m, pkg) {
		if f, err := l.folder(dir); err == nil {
			return f, nil
		}
	}
	return nil, &NotHereError{Module: m.String(), Command: "go mod download " + downloadArg(m), NoGo: l.places.NoGo}
}

// packageDirs returns the folders that may contain a package, the best first.
func (l *Library) packageDirs(m module, pkg string) (dirs []string) {
	p := &l.places
	if m.path == "" {
		if p.Std != "" {
			dirs = append(dirs, filepath.Join(p.Std, filepath.FromSlash(pkg)))
		}
		// The go command puts the releases that it downloads into the module cache.
		return append(dirs, filepath.Join(p.Cache, filepath.FromSlash(downloadArg(m)), "src", filepath.FromSlash(pkg)))
	}
	if p.Vendor != "" && vendorHas(p.Vendor, m) {
		dirs = append(dirs, filepath.Join(p.Vendor, filepath.FromSlash(pkg)))
	}
	root := escapePath(m.path) + "@" + escapePath(m.version)
	return append(dirs, filepath.Join(p.Cache, root, filepath.FromSlash(m.pathOf(pkg, ""))))
}

// vendorHas reports whether a vendor folder contains exactly this version of a
// module.
func vendorHas(dir string, m module) bool {
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

// downloadArg returns the argument of `go mod download` for a module. A Go release is
// a module, too.
func downloadArg(m module) string {
	if m.path != "" {
		return m.String()
	}
	return "golang.org/toolchain@v0.0.1-" + m.version + "." + runtime.GOOS + "-" + runtime.GOARCH
}

// escapePath returns a module path as the module cache writes it: an upper-case letter
// becomes an exclamation mark and the lower-case letter.
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

// repositories maps module paths to GitHub repositories. folder is where the module is
// in its repository.
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

// url returns the address of lines of a file on the Web. It returns "" if the module
// is not in repositories or its version is not a tag.
func (m module) url(name string, first, last int) string {
	if m.path == "" {
		if !strings.HasPrefix(m.version, "go1") || strings.Contains(m.version, " ") {
			return ""
		}
		return lineURL("golang/go", m.version, "src/"+name, first, last)
	}
	if strings.Contains(m.version, "-") { // a pseudo-version
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
