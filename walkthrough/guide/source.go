package guide

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unicode"

	"glasskv/trace"
)

// Library finds upstream's source on the reader's own disk. Make it with
// NewLibrary.
type Library struct {
	cache    string            // the module cache
	std      string            // the standard library of the very Go release that built this binary, or ""
	versions map[string]string // by module path: the version that this binary was built with
}

// goEnvTimeout bounds the question to the go command where its module cache is.
const goEnvTimeout = 2 * time.Second

// NewLibrary asks what this binary was built with and where the module cache
// is. What it cannot find out, a Source says.
func NewLibrary() *Library {
	l := &Library{versions: make(map[string]string)}
	l.cache, l.std = places()
	if info, ok := debug.ReadBuildInfo(); ok {
		l.versions = versionsOf(info)
	}
	return l
}

func versionsOf(info *debug.BuildInfo) map[string]string {
	versions := make(map[string]string, len(info.Deps))
	for _, dep := range info.Deps {
		if dep.Replace == nil {
			versions[dep.Path] = dep.Version
		}
	}
	return versions
}

// places asks the go command where the sources are; it knows best. Without one
// the module cache is where it would be by default.
func places() (cache, std string) {
	ctx, cancel := context.WithTimeout(context.Background(), goEnvTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "env", "GOMODCACHE", "GOROOT", "GOVERSION").Output()
	if lines := strings.Split(string(out), "\n"); err == nil && len(lines) > 2 {
		if strings.TrimSpace(lines[2]) == runtime.Version() {
			std = filepath.Join(strings.TrimSpace(lines[1]), "src")
		}
		return strings.TrimSpace(lines[0]), std
	}
	if dir := os.Getenv("GOMODCACHE"); dir != "" {
		return dir, ""
	}
	if path := os.Getenv("GOPATH"); path != "" {
		return filepath.Join(filepath.SplitList(path)[0], "pkg", "mod"), ""
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", ""
	}
	return filepath.Join(home, "go", "pkg", "mod"), ""
}

// Source is where a symbol of another module stands.
type Source struct {
	Module  string // path@version; the path alone when the version is not known
	File    string // "" when it is not on this disk
	Line    int
	lastRow int
	Missing string // a command that fetches it, when it is not here
}

// Find looks a symbol up. A Source without a file is no error: the reader's
// disk need not hold it.
func (l *Library) Find(s trace.Symbol) Source {
	src, dir := l.place(s)
	if dir == "" {
		return src
	}
	at, err := find(dir, s.Name)
	switch {
	case err == nil:
		src.File, src.Line, src.lastRow = at.file, at.first, at.end
	case errors.Is(err, os.ErrNotExist) && s.Module != "":
		src.Missing = "go mod download " + src.Module
	}
	return src
}

// place returns the directory of the symbol's package, "" when it is not known.
func (l *Library) place(s trace.Symbol) (src Source, dir string) {
	below := filepath.FromSlash(strings.TrimPrefix(strings.TrimPrefix(s.Package, s.Module), "/"))
	version := l.versions[s.Module]
	switch first, _, _ := strings.Cut(s.Package, "/"); {
	case version != "":
		dir := filepath.Join(l.cache, escapePath(s.Module)+"@"+escapePath(version), below)
		return Source{Module: s.Module + "@" + version}, dir
	case (s.Module == "" || s.Module == trace.StandardLibrary) && !strings.Contains(first, ".") && l.std != "":
		return Source{Module: runtime.Version()}, filepath.Join(l.std, below)
	}
	return Source{Module: s.Module}, ""
}

// Parse reads what the catalogue names as "import/path.Symbol". The module is
// the one among those built in that the package belongs to, "" when none is.
func (l *Library) Parse(name string) trace.Symbol {
	slash := strings.LastIndexByte(name, '/')
	dot := strings.IndexByte(name[slash+1:], '.')
	if dot < 0 {
		return trace.Symbol{Name: name}
	}
	s := trace.Symbol{Package: name[:slash+1+dot], Name: name[slash+2+dot:]}
	for path := range l.versions {
		if (s.Package == path || strings.HasPrefix(s.Package, path+"/")) && len(path) > len(s.Module) {
			s.Module = path
		}
	}
	return s
}

// Text reads the declaration from the reader's disk, its lines numbered.
func (s Source) Text() ([]string, error) {
	if s.File == "" {
		return nil, fmt.Errorf("source of %s: %w", s.Module, os.ErrNotExist)
	}
	text, err := os.ReadFile(s.File)
	if err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	lines := strings.Split(string(text), "\n")
	var out []string
	for i := s.Line; i <= min(s.lastRow, len(lines)); i++ {
		out = append(out, fmt.Sprintf("%5d  %s", i, lines[i-1]))
	}
	return out, nil
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
