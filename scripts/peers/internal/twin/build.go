// Package twin runs GlassKV and real etcd as processes for the tests that hold
// one against the other. Either runs on the same data directory and under the
// same addresses, so that member and cluster have the same IDs in both.
//
//	build.go    the programs, built once for a package's tests
//	member.go   one data directory and its addresses
//	process.go  a server on it, until it is stopped or killed
//	settle.go   waits for what follows a moment after the start
package twin

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The two servers, as Member.Start takes them.
const (
	GlassKV = "glasskv"
	Etcd    = "etcd"
)

// sources says what each program is built from. The folders are relative to
// that of the tests, which is a folder of this module.
var sources = map[string]struct{ dir, pkg string }{
	GlassKV:   {"../../..", "."},
	Etcd:      {"../etcd", "."},
	"etcdctl": {"..", "go.etcd.io/etcd/etcdctl/v3"},
	"etcdutl": {"..", "go.etcd.io/etcd/etcdutl/v3"},
	"grpcurl": {"..", "github.com/fullstorydev/grpcurl/cmd/grpcurl"},
}

// binaries are the programs that RunTests has built.
var binaries = map[string]string{}

// Binary is the path of a program that RunTests was asked for.
func Binary(t *testing.T, name string) string {
	t.Helper()
	path, ok := binaries[name]
	if !ok {
		t.Fatalf("%s was not asked for in TestMain", name)
	}
	return path
}

// RunTests builds both servers and the given tools, runs a package's tests and
// returns the exit code. TestMain calls it, once.
func RunTests(m *testing.M, tools ...string) int {
	dir, err := os.MkdirTemp("", "twin-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }() // what is left of it lies in a temporary folder
		err = build(dir, append([]string{GlassKV, Etcd}, tools...))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(dir string, names []string) error {
	for _, name := range names {
		binaries[name] = filepath.Join(dir, name)
		cmd := exec.CommandContext(context.Background(), "go", "build", "-o", binaries[name], sources[name].pkg)
		cmd.Dir = sources[name].dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return nil
}
