package house

import (
	"os"
	"strings"
	"testing"
)

// rule is one thing that holds everywhere in the repository.
type rule struct {
	name  string
	check func(tree) []string
	// breaks are trees that the rule complains about, once each.
	breaks []tree
}

var rules = []rule{
	{"imports go one way", checkLayers, []tree{
		{"server/etcdserver/raft.go": "package etcdserver\nimport _ \"glasskv/trace\"\n"},
		{"trace/record/record.go": "package record\nimport _ \"glasskv/server/serve\"\n"},
		{"trace/stages/stage.go": "package stages\nimport _ \"glasskv/trace\"\n"},
		{"server/seam/hold/hold.go": "package hold\nimport _ \"glasskv/server/seam/front\"\n"},
		{"server/seam/path/read_test.go": "package path\nimport _ \"glasskv/walkthrough/client\"\n"},
		{"walkthrough/page/page.go": "package page\nimport _ \"glasskv/server/command\"\n"},
	}},
	{"rooms of the seams are entered through server/seam", checkRooms, []tree{
		{"walkthrough/demo/demo.go": "package demo\nimport _ \"glasskv/server/seam/hold\"\n"},
		{"walkthrough/lesson/run.go": "package lesson\nimport _ \"glasskv/server/seam/client\"\n"},
	}},
	{"what is small links little", checkLinked, []tree{
		{"trace/timeline.go": "package trace\nimport _ \"google.golang.org/protobuf/proto\"\n"},
		{"trace/record/clock.go": "package record\nimport _ \"go.uber.org/zap\"\n"},
		{ // through another of ours
			"walkthrough/client/conn.go":   "package client\nimport _ \"glasskv/server/seam/client\"\n",
			"server/seam/client/client.go": "package client\nimport _ \"go.etcd.io/raft/v3\"\n",
		},
		{"walkthrough/client/conn.go": "package client\nimport _ \"go.etcd.io/etcd/server/v3/storage/mvcc\"\n"},
	}},
	{"trace/otlp stands on OpenTelemetry", checkOTLPImports, []tree{
		{"trace/otlp/export.go": "package otlp\nimport _ \"google.golang.org/grpc\"\n"},
	}},
	{"real etcd is a peer, never a part", checkNoEtcdServer, []tree{
		{"server/serve/node.go": "package serve\nimport _ \"go.etcd.io/etcd/server/v3/embed\"\n"},
	}},
	{"Go files are short", checkLength, []tree{
		{"trace/long.go": "package trace\n" + strings.Repeat("// one more line\n", maxLines)},
	}},
	{"the top level is fixed", checkTopLevel, []tree{
		{"misc/x.go": "package misc\n"},
	}},
	{"no file without content or purpose", checkWeight, []tree{
		{"docs/empty.md": ""},
		{"server/serve/node.go.orig": "package serve\n"},
		{"trace/trace.bin": "\xff\xfe"},
	}},
	{"words that do not belong here", checkWords, []tree{
		{"docs/setup.md": "clone it into /ro" + "ot/src\n"},
		{"trace/read.go": "package trace // TO" + "DO\n"},
	}},
	{"code that waits for events does not sleep", checkSleep, []tree{
		{"trace/x_test.go": "package trace\nimport \"time\"\nfunc f() { time.Sl" + "eep(1) }\n"},
	}},
	{"only main exits", checkExit, []tree{
		{"server/command/serve.go": "package command\nimport \"os\"\nfunc f() { os.Exit(1) }\n"},
		{"scripts/bench/load.go": "package main\nimport \"log\"\nfunc f() { log.Fatal() }\n"},
	}},
	{"errors say what was done, not that it failed", checkErrorTexts, []tree{
		{"trace/read.go": "package trace\nimport \"errors\"\nvar errRead = errors.New(\"failed to read\")\n"},
	}},
	{"every package is explained", checkPackageComments, []tree{
		{"trace/read.go": "package trace\n"},
	}},
	{"every exported name is explained", checkExported, []tree{
		{"trace/read.go": "package trace\nfunc Read() {}\n"},
		{"trace/read.go": "package trace\n// Some.\ntype (\n\tA int\n\t// B is explained.\n\tB int\n)\n"},
	}},
	{"every exported name has a caller, every constant a producer", checkUnused, []tree{
		{"trace/read.go": "package trace\nfunc Read() {}\n"},
		{
			"trace/read.go":      "package trace\ntype Reader int\nfunc (r Reader) Next() {}\nfunc (r Reader) String() string { return \"\" }\nfunc New() Reader { return 0 }\n",
			"trace/read_test.go": "package trace_test\nimport \"glasskv/trace\"\nfunc f() { trace.New().Next() }\n",
			"main.go":            "package main\nimport \"glasskv/trace\"\nfunc main() { trace.New() }\n",
		},
		{"trace/why.go": "package trace\ntype why int\nconst (\n\tnone why = iota\n\tlate\n\tlost\n)\nvar text = map[why]string{late: text[late], lost: text[why(lost)]}\n"},
	}},
	{"dependencies and reasons match", checkDependencies, []tree{
		{
			"go.mod":               "module glasskv\nrequire go.uber.org/zap v1.28.0\n",
			"main.go":              "package main\nimport _ \"go.uber.org/zap\"\n",
			"docs/dependencies.md": "## go.mod\n",
		},
		{
			"go.mod":               "module glasskv\n",
			"docs/dependencies.md": "## go.mod\n\n| `go.uber.org/zap` | the logger of etcd's own packages |\n",
		},
	}},
	{"peers run on the same libraries", checkSameVersions, []tree{
		{
			"go.mod":               "module glasskv\nrequire google.golang.org/grpc v1.85.0\n",
			"scripts/peers/go.mod": "module glasskv/scripts/peers\nrequire (\n\tgoogle.golang.org/grpc v1.84.0\n)\n",
		},
	}},
	{"links lead somewhere", checkLinks, []tree{
		{"docs/testing.md": "See [the path](architecture.md).\n"},
		{"docs/testing.md": "See [above](#nothing).\n"},
	}},
	{"documents name symbols, not lines", checkLineNumbers, []tree{
		{"docs/testing.md": "The loop is in server.go:120.\n"},
	}},
}

// The repository keeps every rule.
func TestRepository(t *testing.T) {
	repository, err := load("../..")
	if err != nil && os.Getenv("CI") == "" {
		t.Skipf("these rules are about the files that git knows: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, problem := range r.check(repository) {
				t.Error(problem)
			}
		})
	}
}

// Every rule complains about the trees that break it.
func TestEveryRuleCanFail(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, broken := range r.breaks {
				if problems := r.check(broken); len(problems) != 1 {
					t.Errorf("%q brought %d complaints, want 1: %q", broken, len(problems), problems)
				}
			}
		})
	}
}
