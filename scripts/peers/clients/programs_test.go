package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glasskv/scripts/peers/internal/twin"
)

// asPrinted lets curl print a reply's body, its status and its kind.
var asPrinted = []string{"--silent", "--show-error", "--write-out", "\n%{http_code} %{content_type}"}

// With curl and nothing else one can do all that etcd's clients do: JSON goes
// in, JSON comes out, bytes are base64 in it. Both servers print the same, but
// for the IDs that are made up.
func TestCurlThroughTheGateway(t *testing.T) {
	curl := program(t, "curl")
	said := make(map[string][]string)
	onBoth(t, func(t *testing.T, s *server) {
		for _, ask := range []struct{ path, body string }{
			{"/v3/kv/put", `{"key":"Z3JlZXRpbmc=","value":"aGVsbG8="}`},
			{"/v3/kv/put", `{"key":"Z3JlZXRpbmc=","value":"aGVq","prev_kv":true}`},
			{"/v3/kv/range", `{"key":"Z3JlZXRpbmc="}`},
			{"/v3/kv/range", `{"key":"AA==","range_end":"AA==","count_only":true}`},
			{"/v3/kv/txn", `{"compare":[{"key":"Z3JlZXRpbmc=","target":"VERSION","version":"2"}],
				"success":[{"requestPut":{"key":"eA==","value":"eQ=="}}],"failure":[]}`},
			{"/v3/kv/deleterange", `{"key":"eA==","prev_kv":true}`},
			{"/v3/kv/compaction", `{"revision":"3"}`},
			{"/v3/kv/compaction", `{"revision":"3"}`},
			{"/v3/kv/range", `{"key":"Z3JlZXRpbmc=","revision":"1"}`},
			{"/v3/lease/grant", `{"TTL":"60","ID":"77"}`},
			{"/v3/lease/keepalive", `{"ID":"77"}`},
			{"/v3/lease/timetolive", `{"ID":"77","keys":true}`},
			{"/v3/lease/leases", `{}`},
			{"/v3/lease/revoke", `{"ID":"77"}`},
			{"/v3/lease/revoke", `{"ID":"77"}`},
			{"/v3/cluster/member/list", `{}`},
			{"/v3/maintenance/alarm", `{"action":"GET"}`},
			{"/v3/auth/status", `{}`},
			{"/v3/kv/put", `{"key":""}`},
			{"/v3/kv/put", `{"key":`},
			{"/v3/kv/nothing", `{}`},
		} {
			text := output(t, "", curl, append(asPrinted, "--data", ask.body, s.Client+ask.path)...)
			said[s.name] = append(said[s.name], fmt.Sprintf("POST %s %s\n%s", ask.path, ask.body, anonymous(s, compact(t, text))))
		}
	})
	compareTexts(t, said)
}

// The plain pages are etcd's too.
func TestCurlOnThePlainPages(t *testing.T) {
	curl := program(t, "curl")
	said := make(map[string][]string)
	onBoth(t, func(t *testing.T, s *server) {
		for _, path := range []string{
			"/version", "/health", "/health?serializable=true", "/health?exclude=NOSPACE", "/livez", "/livez?verbose",
			"/readyz", "/readyz?verbose", "/readyz/data_corruption", "/readyz?exclude=linearizable_read&verbose", "/nothing",
		} {
			text := output(t, "", curl, append(asPrinted, s.Client+path)...)
			said[s.name] = append(said[s.name], "GET "+path+"\n"+sorted(text))
		}
		metrics := output(t, "", curl, "--silent", "--show-error", "--fail", s.Client+"/metrics")
		for _, want := range []string{"etcd_server_has_leader 1", "etcd_server_is_leader 1", "etcd_disk_wal_fsync_duration_seconds_count", "etcd_mvcc_put_total"} {
			if !strings.Contains(metrics, want) {
				t.Errorf("no %s among the metrics", want)
			}
		}
	})
	compareTexts(t, said)
}

// A watch through the gateway is a reply that does not end: a line for its
// creation, then one for each message.
func TestCurlWatches(t *testing.T) {
	curl := program(t, "curl")
	onBoth(t, func(t *testing.T, s *server) {
		ctx, cancel := context.WithCancel(within(t))
		defer cancel()
		cmd := exec.CommandContext(ctx, curl, "--silent", "--no-buffer", "--data", `{"create_request":{"key":"aw=="}}`, s.Client+"/v3/watch")
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		defer func() { cancel(); _ = cmd.Wait() }() // it ends because it is told to
		lines := bufio.NewScanner(out)
		next := func() (m watchMessage) {
			t.Helper()
			if !lines.Scan() {
				t.Fatal("the watch ended")
			}
			if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
				t.Fatal(err)
			}
			return m
		}
		if m := next(); !m.Result.Created {
			t.Fatalf("first message: %+v", m)
		}
		if _, err := s.client(t).Put(ctx, "k", "seen"); err != nil {
			t.Fatal(err)
		}
		if m := next(); len(m.Result.Events) != 1 || string(m.Result.Events[0].KV.Value) != "seen" {
			t.Fatalf("second message: %+v", m)
		}
	})
}

type watchMessage struct {
	Result struct {
		Created bool
		Events  []struct {
			KV struct{ Value []byte }
		}
	}
}

var (
	leaseLeft = regexp.MustCompile(`"TTL":"\d+"`)
	serverID  = regexp.MustCompile(`"\d{17,20}"`)
)

// anonymous leaves out of a reply what two servers cannot share: their
// addresses, the IDs made of these, and how much of a lease is left.
func anonymous(s *server, text string) string {
	text = strings.ReplaceAll(text, s.Addr(), "<client>")
	text = strings.ReplaceAll(text, strings.TrimPrefix(s.Peer, "http://"), "<peer>")
	text = leaseLeft.ReplaceAllString(text, `"TTL":"<left>"`)
	return serverID.ReplaceAllString(text, `"<id>"`)
}

// compact removes the blanks of a JSON body. Protobuf puts them where it
// likes, another place in each program, so that nobody relies on them.
func compact(t *testing.T, text string) string {
	t.Helper()
	end := strings.LastIndex(text, "\n")
	var body bytes.Buffer
	if err := json.Compact(&body, []byte(text[:end])); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	return body.String() + text[end:]
}

// sorted puts the lines of a page in order: etcd's checks come in any.
func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func compareTexts(t *testing.T, said map[string][]string) {
	t.Helper()
	if diff := cmp.Diff(said[twin.Etcd], said[twin.GlassKV]); diff != "" {
		t.Errorf("-etcd +glasskv\n%s", diff)
	}
}

// grpcurl brings nothing along: that there is a KV service, that it has a Put,
// and what a PutRequest looks like it learns from the server's reflection. Real
// etcd has none, so this story is GlassKV's alone.
func TestGrpcurlThroughReflection(t *testing.T) {
	m := twin.NewMember(t)
	m.Start(t, twin.GlassKV)
	grpcurl := func(args ...string) string {
		t.Helper()
		return output(t, "", twin.Binary(t, "grpcurl"), append([]string{"-plaintext"}, args...)...)
	}

	services := strings.Fields(grpcurl(m.Addr(), "list"))
	for _, want := range []string{
		"etcdserverpb.KV", "etcdserverpb.Watch", "etcdserverpb.Lease", "etcdserverpb.Cluster", "etcdserverpb.Maintenance",
		"etcdserverpb.Auth", "v3lockpb.Lock", "v3electionpb.Election", "grpc.health.v1.Health",
	} {
		if !slices.Contains(services, want) {
			t.Errorf("no %s among %q", want, services)
		}
	}
	for symbol, want := range map[string]string{
		"etcdserverpb.KV":         "rpc Put ( .etcdserverpb.PutRequest ) returns ( .etcdserverpb.PutResponse )",
		"etcdserverpb.PutRequest": "bytes key = 1;",
		"etcdserverpb.Watch":      "rpc Watch ( stream .etcdserverpb.WatchRequest ) returns ( stream .etcdserverpb.WatchResponse )",
	} {
		if got := grpcurl(m.Addr(), "describe", symbol); !strings.Contains(got, want) {
			t.Errorf("%s is described as\n%s", symbol, got)
		}
	}

	// Bytes are base64 in JSON: "greeting" and "hello".
	grpcurl("-d", `{"key":"Z3JlZXRpbmc=","value":"aGVsbG8="}`, m.Addr(), "etcdserverpb.KV/Put")
	var got struct {
		Kvs []struct{ Key, Value []byte }
	}
	read(t, grpcurl("-d", `{"key":"Z3JlZXRpbmc="}`, m.Addr(), "etcdserverpb.KV/Range"), &got)
	if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "hello" {
		t.Errorf("read %+v", got)
	}
	if got := grpcurl(m.Addr(), "grpc.health.v1.Health/Check"); !strings.Contains(got, "SERVING") {
		t.Errorf("health: %s", got)
	}
}

// read decodes what a client printed as JSON.
func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
}

// A client that shares no code with etcd or grpc-go, in another language, finds
// in GlassKV what it finds in etcd.
func TestNode(t *testing.T) {
	node := program(t, "node")
	dir, includes := installed(t)
	want := "puts\ntransacts\nisRefused\nwatches\nleasesKeys\n"
	onBoth(t, func(t *testing.T, s *server) {
		args := append([]string{filepath.Join(dir, "story.js"), s.Addr()}, includes...)
		if got := output(t, dir, node, args...); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

// installed copies the folder node, installs what it needs in the copy, and
// says where the files are that etcd's .proto files import.
func installed(t *testing.T) (dir string, includes []string) {
	t.Helper()
	dir = t.TempDir()
	npm := program(t, "npm")
	if err := os.CopyFS(dir, os.DirFS("node")); err != nil {
		t.Fatal(err)
	}
	output(t, dir, npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts")

	protos := t.TempDir()
	if err := os.Mkdir(filepath.Join(protos, "etcd"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(module(t, "go.etcd.io/etcd/api/v3"), filepath.Join(protos, "etcd", "api")); err != nil {
		t.Fatal(err)
	}
	return dir, []string{
		protos,
		module(t, "github.com/grpc-ecosystem/grpc-gateway/v2"), // protoc-gen-openapiv2
		filepath.Join(dir, "node_modules", "protobufjs"),       // google/api
	}
}

// module is where the source of a Go module is.
func module(t *testing.T, path string) string {
	t.Helper()
	return strings.TrimSpace(output(t, "", program(t, "go"), "list", "-m", "-f", "{{.Dir}}", path))
}
