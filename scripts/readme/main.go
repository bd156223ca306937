// Command readme cuts a real timeline out of a run of the demo and puts it into
// both READMEs, between their markers. Run it from the top of the repository:
//
//	go run ./scripts/readme
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const (
	begin = "<!-- timeline: cut from a run by `make readme` -->\n"
	end   = "<!-- timeline end -->"
	width = "100" // what GitHub shows of a code block without a scroll bar
)

func main() {
	for file, lang := range map[string]string{"README.md": "en", "README.zh.md": "zh"} {
		if err := refresh(context.Background(), file, lang); err != nil {
			fmt.Fprintf(os.Stderr, "readme: %s: %v\n", file, err)
			os.Exit(1)
		}
	}
}

// refresh replaces the timeline between the markers of a file.
func refresh(ctx context.Context, file, lang string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(page), begin)
	if !ok {
		return errors.New("no begin marker")
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return errors.New("no end marker")
	}
	timeline, err := run(ctx, lang)
	if err != nil {
		return err
	}
	fresh := before + begin + "\n```\n" + timeline + "\n```\n\n" + end + after
	return os.WriteFile(file, []byte(fresh), 0o644)
}

// run returns the timeline of a put from a new run of the demo. Each language has a run
// of its own, so that each page shows what was measured and not a translation of it.
func run(ctx context.Context, lang string) (string, error) {
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "run", ".", "demo", "--only", "put", "--lang", lang, "--width", width, "--color", "never")
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("demo: %w: %s", err, strings.TrimSpace(errs.String()))
	}
	// The lines before the timeline say where the server ran on this machine.
	_, timeline, ok := strings.Cut("\n"+string(out), "\nPUT ")
	if !ok {
		return "", errors.New("the demo printed no Put")
	}
	lines := strings.Split(strings.TrimRight("PUT "+timeline, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n"), nil
}
