// Command fuzz runs every fuzz target of the module for the same short time, one after
// the other:
//
//	go run ./scripts/fuzz -time 10s
//
// The go command fuzzes one target of one package at a time; this command finds all of
// them, so that a new one is not forgotten. The go command writes an input that fails
// to the package's testdata, to be committed with the fix.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"time"
)

// target is one fuzz function.
type target struct{ pkg, name string }

func main() {
	each := flag.Duration("time", 10*time.Second, "time for each target")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *each)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// run fuzzes every target, even if one of them fails.
func run(ctx context.Context, each time.Duration) error {
	targets, err := find(ctx)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return errors.New("no fuzz targets")
	}
	var broken []error
	for _, t := range targets {
		fmt.Printf("--- %s %s\n", t.pkg, t.name)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$", "-fuzztime", each.String(), t.pkg)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			broken = append(broken, fmt.Errorf("%s in %s: %w", t.name, t.pkg, err))
		}
	}
	return errors.Join(broken...)
}

// find returns the fuzz functions of all packages of the module.
func find(ctx context.Context) ([]target, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-list", "^Fuzz", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go test -list: %w", err)
	}
	return parse(out), nil
}

// parse reads the output of "go test -list": the names of a package's functions, each
// on a line, and then a line with the package.
func parse(list []byte) []target {
	var targets []target
	var names []string
	for line := range bytes.Lines(list) {
		fields := strings.Fields(string(line))
		switch {
		case len(fields) == 1 && strings.HasPrefix(fields[0], "Fuzz"):
			names = append(names, fields[0])
		case len(fields) > 1 && fields[0] == "ok":
			for _, name := range names {
				targets = append(targets, target{fields[1], name})
			}
			names = nil
		}
	}
	return targets
}
