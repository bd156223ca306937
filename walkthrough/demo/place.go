package demo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// place is the directory in which the demo's server keeps its data for the
// time that it runs.
type place struct {
	dir    string
	memory bool // it is a file system in memory: an fsync costs nothing there
}

// newPlace makes a directory on a real disk: below $TMPDIR if that is set, else
// in the user's cache, else where temporary files go, else right here. Only when
// none of them lies on a disk is one in memory taken, and the demo says so.
func newPlace() (place, error) {
	var memory string
	var problems []error
	for _, parent := range candidates() {
		if err := os.MkdirAll(parent, 0o700); err != nil {
			problems = append(problems, err)
			continue
		}
		dir, err := os.MkdirTemp(parent, "glasskv-demo-")
		switch {
		case err != nil:
			problems = append(problems, err)
		case !inMemory(dir):
			return place{dir: dir}, os.RemoveAll(memory)
		case memory == "":
			memory = dir
		default:
			problems = append(problems, os.Remove(dir))
		}
	}
	if memory != "" {
		return place{dir: memory, memory: true}, nil
	}
	return place{}, fmt.Errorf("find room for the demo's data (set TMPDIR to a directory on a disk): %w", errors.Join(problems...))
}

func candidates() []string {
	var dirs []string
	if dir := os.Getenv("TMPDIR"); dir != "" {
		dirs = append(dirs, dir)
	}
	if dir, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(dir, "glasskv"))
	}
	return append(dirs, os.TempDir(), ".")
}

func (p place) remove() error { return os.RemoveAll(p.dir) }
