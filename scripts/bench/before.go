package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// An earlier commit can take turns with the code that is there: what did a change
// cost those who do not use it? It is built from a work tree of its own.

// earlier is the target that stands for the commit of -before.
const earlier = "before"

var earlierTarget = target{earlier, "GlassKV at an earlier commit, every request recorded", func(ctx context.Context, b *bench, dir string) (*process, error) {
	return b.serve(ctx, dir, server{binary: earlier, scheme: "http"}, "--trace", "on")
}}

// addEarlier builds the commit of -before and lets it take turns.
func (b *bench) addEarlier(ctx context.Context) error {
	if b.opts.before == "" {
		return nil
	}
	tree := filepath.Join(b.dir, "tree")
	defer func() { _ = os.RemoveAll(tree) }()
	for _, args := range [][]string{
		{"git", "clone", "--quiet", "--no-checkout", ".", tree},
		{"git", "-C", tree, "checkout", "--quiet", "--detach", b.opts.before},
		{"go", "build", "-C", tree, "-o", b.binary(earlier), "."},
	} {
		cmd := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the commit is the user's own
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build %s: %w", b.opts.before, err)
		}
	}
	b.targets = append(b.targets, earlierTarget)
	return nil
}
