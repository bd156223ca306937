package ctl

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/spf13/cobra"

	"glasskv/server/serve"
	"glasskv/server/serve/servetest"
)

// glasskv runs a command line as a person would type it, against the server at
// endpoint, and returns what it printed: first standard output, then standard
// error, then the error that the process would end with.
func glasskv(t *testing.T, endpoint, line, stdin string) string {
	t.Helper()
	args, err := words(line)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	root := &cobra.Command{Use: "glasskv", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(NewCommands()...)
	root.SetArgs(slices.Insert(args, 1, "--endpoints", endpoint))
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	err = root.ExecuteContext(servetest.Context(t))
	out.Write(errs.Bytes())
	if err != nil {
		fmt.Fprintf(&out, "error: %v\n", err)
	}
	return out.String()
}

// The stories in testdata are command lines with what they print, run one after
// the other against a real server. The lines behind the command are its standard
// input. Rewrite them with go test -rewrite and read the difference.
func TestStories(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		node := servetest.Start(t, servetest.Config(t), serve.Seams{})
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			if d.Cmd != "glasskv" {
				t.Fatalf("%s: unknown directive %s", d.Pos, d.Cmd)
			}
			line, stdin, _ := strings.Cut(d.Input, "\n")
			return glasskv(t, node.Endpoint(), line, stdin)
		})
	})
}

func TestThePrefixEndsBeforeTheFirstGreaterKey(t *testing.T) {
	for prefix, want := range map[string]string{"a": "b", "a\xff": "b", "\x00": "\x01", "\xff\xff": string(allKeys)} {
		if got := prefixEnd([]byte(prefix)); string(got) != want {
			t.Errorf("prefixEnd(%q) = %q, want %q", prefix, got, want)
		}
	}
}

func TestNobodyThereIsSaidWithAWayOut(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	endpoint := node.Endpoint()
	if err := node.Stop(servetest.Context(t)); err != nil {
		t.Fatal(err)
	}
	got := glasskv(t, endpoint, "get greeting", "")
	want := fmt.Sprintf("error: cannot reach %s: connection refused; start a server with `glasskv serve`, or name another with --endpoints\n", endpoint)
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestTheFirstEndpointThatAnswersIsUsed(t *testing.T) {
	gone := servetest.Start(t, servetest.Config(t), serve.Seams{})
	if err := gone.Stop(servetest.Context(t)); err != nil {
		t.Fatal(err)
	}
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	if got := glasskv(t, gone.Endpoint()+",http://"+node.Endpoint(), "put greeting hello", ""); got != "OK\n" {
		t.Error(got)
	}
}

func TestALeaseTakesItsKeysWithIt(t *testing.T) {
	node := servetest.Start(t, servetest.Config(t), serve.Seams{})
	run := func(line string) string { return glasskv(t, node.Endpoint(), line, "") }
	granted := run("lease grant 60")
	var id string
	if _, err := fmt.Sscanf(granted, "lease %16s granted with TTL(60s)\n", &id); err != nil {
		t.Fatalf("%s: %v", granted, err)
	}
	for _, step := range []struct{ line, want string }{
		{"put greeting hello --lease " + id, "OK\n"},
		{"get greeting", "greeting\nhello\n"},
		{"lease revoke " + id, "lease " + id + " revoked\n"},
		{"get greeting", ""},
	} {
		if got := run(step.line); got != step.want {
			t.Errorf("%s: %q, want %q", step.line, got, step.want)
		}
	}
}
