package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"

	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/chapter/check"
)

// putInOrder gives the files their numbers and their last lines, and writes the
// index of each language.
func putInOrder(ctx context.Context, w io.Writer, folder string) error {
	for _, l := range check.Languages {
		chapters, _, err := chapter.Load(os.DirFS(folder), l)
		if err != nil {
			return err
		}
		for _, c := range chapters {
			if err := putChapter(ctx, w, folder, c); err != nil {
				return err
			}
		}
		index := filepath.Join(folder, string(l), "README.md")
		if err := os.WriteFile(index, []byte(check.Index(l, chapters)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func putChapter(ctx context.Context, w io.Writer, folder string, c *chapter.Chapter) error {
	name := path.Join(path.Dir(c.File), check.FileName(c.Stage))
	if name != c.File {
		if err := move(ctx, folder, c.File, name); err != nil {
			return err
		}
		fmt.Fprintf(w, "%s → %s\n", c.File, name)
	}
	file := filepath.Join(folder, filepath.FromSlash(name))
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if linked := check.Linked(c, string(text)); linked != string(text) {
		return os.WriteFile(file, []byte(linked), 0o644)
	}
	return nil
}

// move renames a file and tells git, which does not know one that is new.
func move(ctx context.Context, folder, from, to string) error {
	known := exec.CommandContext(ctx, "git", "ls-files", "--error-unmatch", from)
	known.Dir = folder
	if known.Run() != nil {
		return os.Rename(filepath.Join(folder, filepath.FromSlash(from)), filepath.Join(folder, filepath.FromSlash(to)))
	}
	mv := exec.CommandContext(ctx, "git", "mv", from, to)
	mv.Dir = folder
	if out, err := mv.CombinedOutput(); err != nil {
		return fmt.Errorf("git mv %s %s: %w: %s", from, to, err, out)
	}
	return nil
}
