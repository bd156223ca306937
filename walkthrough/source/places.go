package source

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
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
