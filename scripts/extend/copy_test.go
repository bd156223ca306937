package extend

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, from this folder.
const root = "../.."

// workingCopy is a copy of the repository, with a git repository of its own.
type workingCopy struct{ dir string }

// newCopy copies the files that git knows or would add, as they are on disk.
func newCopy(t *testing.T) *workingCopy {
	t.Helper()
	c := &workingCopy{t.TempDir()}
	for _, name := range strings.Split(strings.TrimSuffix(git(t, root, "ls-files", "-coz", "--exclude-standard"), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue // git knows it, and it was removed
		}
		if err != nil {
			t.Fatal(err)
		}
		c.write(t, name, text)
	}
	git(t, c.dir, "init", "-q")
	c.commit(t)
	return c
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v", args, err)
	}
	return string(out)
}

func (c *workingCopy) commit(t *testing.T) {
	t.Helper()
	git(t, c.dir, "add", "-A")
	git(t, c.dir, "-c", "user.name=extend", "-c", "user.email=extend@localhost", "commit", "-q", "-m", "a state")
}

// changed returns the files that differ from the last commit, sorted.
func (c *workingCopy) changed(t *testing.T) []string {
	t.Helper()
	git(t, c.dir, "add", "-A")
	return strings.Fields(git(t, c.dir, "-c", "core.quotePath=false", "diff", "--cached", "--name-only", "--no-renames"))
}

func (c *workingCopy) path(name string) string { return filepath.Join(c.dir, filepath.FromSlash(name)) }

// read returns a file's text, or "" if there is no such file.
func (c *workingCopy) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(c.path(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// write writes a file, or removes it if text is nil.
func (c *workingCopy) write(t *testing.T, name string, text []byte) {
	t.Helper()
	file := c.path(name)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if text == nil {
		err = os.Remove(file)
	} else if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a command in the copy and returns what it writes. An argument that contains
// blanks cannot be given.
func (c *workingCopy) run(t *testing.T, command string) (string, error) {
	t.Helper()
	args := strings.Fields(command)
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = c.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}
