package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"glasskv/trace/stages"
	"glasskv/walkthrough/chapter"
	"glasskv/walkthrough/chapter/check"
)

// report writes what is wrong, a line each, and returns errProblems if anything
// is. Stages are those that were asked for; none means all, and then it is said
// what is missing as well.
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
	for _, l := range check.Languages {
		missing := book.Missing(l)
		if len(only) > 0 {
			missing = slices.DeleteFunc(missing, func(s stages.Stage) bool { return !slices.Contains(only, s) })
		}
		if len(missing) > 0 {
			wrong = true
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
	for _, l := range check.Languages {
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
