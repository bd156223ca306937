package source

import (
	"errors"
	"slices"
	"testing"
)

func TestCallsAreTheFunctionsThatSyntaxTells(t *testing.T) {
	l, err := ForModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for symbol, want := range map[string][]string{
		// Fields are followed: w.encoder is an *encoder, w.tail() a method.
		"go.etcd.io/etcd/server/v3/storage/wal.(*WAL).sync": {
			"go.etcd.io/etcd/server/v3/storage/wal.(*encoder).flush",
			"time.Now",
			"go.etcd.io/etcd/client/pkg/v3/fileutil.Fdatasync",
			"go.etcd.io/etcd/server/v3/storage/wal.(*WAL).tail",
			"time.Since",
		},
		// A function value in a local variable is nobody's symbol.
		"google.golang.org/grpc.(*Server).handleRawConn": {
			"google.golang.org/grpc.(*Server).newHTTP2Transport",
			"google.golang.org/grpc.(*Server).addConn",
			"google.golang.org/grpc.(*Server).serveStreams",
			"google.golang.org/grpc.(*Server).removeConn",
		},
		"go.etcd.io/raft/v3.(*node).Propose": {"go.etcd.io/raft/v3.(*node).stepWait"},
	} {
		got, err := l.Calls(symbol)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, call := range want {
			i := slices.Index(got[at:], call)
			if i < 0 {
				t.Errorf("%s calls\n%q\nwant %s behind %d others", symbol, got, call, at)
				break
			}
			at += i + 1
		}
		for _, call := range got {
			if _, err := l.Excerpt(call, ""); err != nil {
				t.Errorf("%s is said to call %s: %v", symbol, call, err)
			}
		}
	}
}

// Neither a conversion, nor a function value, nor a method of what is embedded.
func TestWhatSyntaxDoesNotTellIsLeftOut(t *testing.T) {
	l := fixture(t)
	got, err := l.Calls(pkg + "Calls")
	if want := []string{pkg + "assembly", pkg + "(*Box).Put", pkg + "Opener.Close", pkg + "Get"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v\nwant %q", got, err, want)
	}
	for _, symbol := range []string{"assembly", "Opener.Close", "Box"} {
		if got, err := l.Calls(pkg + symbol); err != nil || len(got) > 0 {
			t.Errorf("%s calls %q, %v", symbol, got, err)
		}
	}
	if _, err := l.Calls(pkg + "Missing"); !errors.Is(err, ErrNoSymbol) {
		t.Error(err)
	}
}

func TestAPackagesNameIsFoundAmongTheImports(t *testing.T) {
	for imported, want := range map[string]string{
		"go.etcd.io/raft/v3": "raft", "net/http": "http", "github.com/coreos/go-semver/semver": "semver",
		"gopkg.in/yaml.v3": "yaml", "example.org/api/v3rpc": "v3rpc", "v2": "v2",
	} {
		if got := packageName(imported); got != want {
			t.Errorf("%s: %s, want %s", imported, got, want)
		}
	}
}
