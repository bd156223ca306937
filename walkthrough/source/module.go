package source

import (
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"unicode"
)

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
