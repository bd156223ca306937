package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// etcdctl is what the comparison of etcdctl's output with real etcd found.
type etcdctl struct {
	Commands int `json:"commands"`
	Differ   int `json:"differ"`
}

var (
	commandsLine = regexp.MustCompile(`(?m)commands: (\d+)$`)
	differLine   = regexp.MustCompile(`(?m)commands whose output differs: (\d+)$`)
)

// compareEtcdctl runs the comparison, which is a test of its own, and reads its
// count. That the test fails where there are differences is no error here.
func compareEtcdctl(ctx context.Context) (*etcdctl, error) {
	progress("etcdctl against GlassKV and against real etcd")
	cmd := exec.CommandContext(ctx, "go", "test", "-count=1", "-v", "./diff")
	cmd.Dir = "scripts/peers"
	out, failed := cmd.CombinedOutput()
	var counts [2]int
	for i, line := range []*regexp.Regexp{commandsLine, differLine} {
		for _, m := range line.FindAllSubmatch(out, -1) {
			n, err := strconv.Atoi(string(m[1]))
			if err != nil {
				return nil, err
			}
			counts[i] += n
		}
	}
	if counts[0] == 0 {
		return nil, fmt.Errorf("go test ./diff in scripts/peers: %w\n%s", failed, out)
	}
	return &etcdctl{Commands: counts[0], Differ: counts[1]}, nil
}

func (r *result) etcdctlFigures() []figure {
	if r.Etcdctl == nil {
		return nil
	}
	n := r.Etcdctl.Differ
	return []figure{{
		fmt.Sprintf("of %d etcdctl commands: output differs from real etcd (go test -C scripts/peers ./diff)", r.Etcdctl.Commands),
		"0", strconv.Itoa(n), n == 0, float64(n), func(v float64) bool { return v == 0 },
	}}
}
