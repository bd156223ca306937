// Command chapters checks the chapters of the walkthrough against the source of
// the modules in go.mod. Run it from the top of the repository:
//
//	go run ./scripts/chapters [STAGE…]         check; after an upgrade, list the chapters to read again
//	go run ./scripts/chapters -bless [STAGE…]  check; if there is no mistake, record that the chapters fit the code
//	go run ./scripts/chapters -order           number the files, link them, write the indexes
//
// It writes a line for each mistake, and exits with 1 if there is any.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/chapter/check"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/source"
)

// folder holds the chapters. It is relative to the top of the repository.
const folder = "walkthrough/chapter"

// errProblems is returned when problems were found and written.
var errProblems = errors.New("the chapters are not in order")

func main() {
	bless := flag.Bool("bless", false, "record that the chapters fit the code")
	order := flag.Bool("order", false, "number the files, link them, and write the indexes")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *bless, *order, flag.Args()); err != nil {
		fmt.Fprintf(os.Stderr, "chapters: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, bless, order bool, names []string) error {
	var only []stages.Stage
	for _, name := range names {
		stage, known := stages.ByName(name)
		if !known {
			return fmt.Errorf("no stage is called %q", name)
		}
		only = append(only, stage)
	}
	if order {
		return putInOrder(ctx, w, folder)
	}
	library, err := source.ForModule(ctx, "")
	if err != nil {
		return err
	}
	book, err := check.Read(os.DirFS(folder), library, only...)
	if err != nil {
		return err
	}
	if bless && len(book.Problems) == 0 { // a symbol that was not found would lose its line in the file
		text, err := book.Bless(only...)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, chapter.BlessedFile), text, 0o644); err != nil {
			return err
		}
	}
	return report(w, book, only)
}

// putInOrder renames the files to check.FileName, writes their last lines, and writes
// the index of each language. It names each file that it renamed.
func putInOrder(ctx context.Context, w io.Writer, folder string) error {
	for _, l := range lang.Languages {
		chapters, _, err := chapter.Load(os.DirFS(folder), l)
		if err != nil {
			return err
		}
		for _, c := range chapters {
			if err := putChapter(ctx, w, folder, c); err != nil {
				return err
			}
		}
		if len(chapters) == 0 {
			continue
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

// move renames a file: with `git mv` if git tracks it, so that its history is followed.
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

// report writes a line for each mistake, and returns errProblems if there is any. The
// stages are those asked for. If there are none, all chapters were read, and report also
// names blessed declarations that no chapter shows any more.
func report(w io.Writer, book *check.Book, only []stages.Stage) error {
	for _, p := range book.Problems {
		fmt.Fprintln(w, p)
	}
	wrong := len(book.Problems) > 0
	changes, left, err := book.Changes()
	if err != nil {
		return err
	}
	unblessed := 0
	for _, c := range changes {
		wrong = true
		if c.Module == "" {
			unblessed++
			continue
		}
		for _, file := range filesOf(book, c.Now.Stage) {
			fmt.Fprintf(w, "%s: read again: %s has changed: %s → %s\n", file, c.Now.Symbol, c.Module, c.Now.Module)
		}
	}
	if unblessed > 0 {
		fmt.Fprintf(w, "%d quotations are not blessed yet; when their chapters are right: go run ./scripts/chapters -bless %s\n", unblessed, names(only))
	}
	if len(only) == 0 {
		for _, q := range left {
			wrong = true
			fmt.Fprintf(w, "%s: %s of %s is not quoted any more; run with -bless\n", chapter.BlessedFile, q.Symbol, q.Stage)
		}
	}
	for _, l := range lang.Languages {
		missing := book.Missing(l)
		if len(only) > 0 {
			missing = slices.DeleteFunc(missing, func(s stages.Stage) bool { return !slices.Contains(only, s) })
		}
		if len(missing) > 0 {
			wrong = wrong || slices.Contains(lang.Complete, l) // otherwise English ones are shown
			fmt.Fprintf(w, "%s: no chapter yet, %d: %s\n", l, len(missing), names(missing))
		}
		fmt.Fprintf(w, "%s: %d chapters read\n", l, len(book.Chapters[l]))
	}
	if wrong {
		return errProblems
	}
	return nil
}

func filesOf(book *check.Book, stage string) (files []string) {
	for _, l := range lang.Languages {
		i := slices.IndexFunc(book.Chapters[l], func(c *chapter.Chapter) bool { return c.Stage.String() == stage })
		if i >= 0 {
			files = append(files, book.Chapters[l][i].File)
		}
	}
	return files
}

func names(only []stages.Stage) string {
	var all []string
	for _, s := range only {
		all = append(all, s.String())
	}
	return strings.Join(all, " ")
}
