package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A small copy of a function as grpc-go has it gets its call, its import, and
// keeps its lines.
func TestPatchKeepsLines(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "in.go"), filepath.Join(dir, "out.go")
	source := "// Package x is one.\npackage x\n\nimport \"os\"\n\nfunc f() {\n\tos.Exit(1)\n}\n"
	if err := os.WriteFile(from, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := patch(from, to, []insertion{{strings.Index(source, "{") + 1, " g();"}}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	want := "// Package x is one.\npackage x; import truth \"glasskv/scripts/overlay/truth\"\n\nimport \"os\"\n\nfunc f() { g();\n\tos.Exit(1)\n}\n"
	if string(got) != want {
		t.Errorf("patched to %q, want %q", got, want)
	}
}

// Every function that is measured exists in the version of grpc-go that go.mod
// names.
func TestTargetsExist(t *testing.T) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", grpcModule).Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	replaced, err := patchAll(strings.TrimSpace(string(out)), filepath.Join(dir, "grpc"), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(replaced) < 4 {
		t.Errorf("only %d files are patched", len(replaced))
	}
}
