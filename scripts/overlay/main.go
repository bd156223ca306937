// Command overlay measures how far the stages' edges are from the true entry
// and exit of grpc-go's private functions:
//
//	go run ./scripts/overlay -requests 5000
//
// It builds a program of ours against a copy of grpc-go in which each function
// of interest notes when it is entered and left, runs requests through it one at
// a time, and prints the difference for every edge. Nothing of grpc-go is kept:
// the patched files are made anew each time, in a temporary directory, from the
// reader's own module cache.
//
// The go command does not let an overlay replace files of the module cache. So a
// second mod file replaces grpc-go with a symbolic link to its folder there,
// and the overlay replaces files below the link.
//
//	main.go   builds the program and runs it
//	patch.go  inserts the calls
//	truth/    what is called
//	edges/    the program: a server with all seams, and a client
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
)

const grpcModule = "google.golang.org/grpc"

func main() {
	requests := flag.Int("requests", 5000, "requests to compare")
	puts := flag.Bool("puts", false, "send puts, with an fsync each, instead of reads that follow each other quickly")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, "-requests", strconv.Itoa(*requests), "-puts="+strconv.FormatBool(*puts))
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "overlay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args ...string) (err error) {
	dir, err := os.MkdirTemp("", "glasskv-overlay-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := prepare(ctx, dir); err != nil {
		return err
	}
	binary := filepath.Join(dir, "edges")
	if err := command(ctx, "go", "build", "-modfile", filepath.Join(dir, "go.mod"),
		"-overlay", filepath.Join(dir, "overlay.json"), "-o", binary, "./scripts/overlay/edges").Run(); err != nil {
		return fmt.Errorf("build the patched program: %w", err)
	}
	return command(ctx, binary, args...).Run()
}

// prepare writes the second mod file, the link and the overlay into dir.
func prepare(ctx context.Context, dir string) error {
	source, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}", grpcModule)
	if err != nil {
		return fmt.Errorf("find grpc-go (run this from the top of the repository): %w", err)
	}
	link := filepath.Join(dir, "grpc")
	if err := os.Symlink(source, link); err != nil {
		return err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if name == "go.mod" {
			content = fmt.Appendf(content, "\nreplace %s => %s\n", grpcModule, link)
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	replaced, err := patchAll(source, link, dir)
	if err != nil {
		return err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd
}

func output(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}
