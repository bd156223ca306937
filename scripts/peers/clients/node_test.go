package clients

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A client that shares no code with etcd or grpc-go, in another language, finds
// in GlassKV what it finds in etcd.
func TestNode(t *testing.T) {
	node := program(t, "node")
	dir, includes := installed(t)
	want := "puts\ntransacts\nisRefused\nwatches\nleasesKeys\n"
	onBoth(t, func(t *testing.T, s *server) {
		args := append([]string{filepath.Join(dir, "story.js"), s.Addr()}, includes...)
		if got := output(t, dir, node, args...); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// installed copies the folder node, installs what it needs in the copy, and
// says where the files are that etcd's .proto files import.
func installed(t *testing.T) (dir string, includes []string) {
	t.Helper()
	dir = t.TempDir()
	npm := program(t, "npm")
	if err := os.CopyFS(dir, os.DirFS("node")); err != nil {
		t.Fatal(err)
	}
	output(t, dir, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")

	protos := t.TempDir()
	if err := os.Mkdir(filepath.Join(protos, "etcd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(module(t, "go.etcd.io/etcd/api/v3"), filepath.Join(protos, "etcd", "api")); err != nil {
		t.Fatal(err)
	}
	return dir, []string{
		protos,
		module(t, "github.com/grpc-ecosystem/grpc-gateway/v2"), // protoc-gen-openapiv2
		filepath.Join(dir, "node_modules", "protobufjs"),       // google/api
	}
}

// module is where the source of a Go module is.
func module(t *testing.T, path string) string {
	t.Helper()
	return strings.TrimSpace(output(t, "", program(t, "go"), "list", "-m", "-f", "{{.Dir}}", path))
}
