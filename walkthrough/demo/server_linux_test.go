package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Memory is passed over for a disk, and taken only where there is nothing else.
func TestThePlaceIsOnADisk(t *testing.T) {
	const memory = "/dev/shm"
	if !inMemory(memory) {
		t.Skip(memory + " is not in memory on this machine")
	}
	cache := t.TempDir()
	if inMemory(cache) {
		t.Skip("tests run in memory on this machine")
	}
	t.Setenv("TMPDIR", memory)
	t.Setenv("XDG_CACHE_HOME", cache)
	p, err := newDataDir()
	if err != nil {
		t.Fatal(err)
	}
	if p.memory || !strings.HasPrefix(p.path, filepath.Join(cache, "glasskv")) {
		t.Errorf("data in %s", p.path)
	}
	if left, err := filepath.Glob(memory + "/glasskv-demo-*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if err := os.RemoveAll(p.path); err != nil {
		t.Error(err)
	}
}
