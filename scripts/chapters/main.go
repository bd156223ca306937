// Command chapters checks the chapters of the walkthrough against the source of
// the modules in go.mod. Run it from the top of the repository:
//
//	go run ./scripts/chapters [STAGE…]         check; lists the chapters to read again after an upgrade
//	go run ./scripts/chapters -bless [STAGE…]  and, if they are sound, remember the code as that for which they are written
//	go run ./scripts/chapters -order           number the files, link them, write the indexes
//
// It exits with 1 when something is wrong, a line each.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/chapter/check"
	"glasskv/walkthrough/source"
)

// folder holds the chapters, seen from the top of the repository.
const folder = "walkthrough/chapter"

// errProblems is returned when problems were found and written.
var errProblems = errors.New("the chapters are not in order")

func main() {
	bless := flag.Bool("bless", false, "remember the code as that for which the chapters are written")
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
	if bless && len(book.Problems) == 0 { // what is not found would be taken out of the file
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
