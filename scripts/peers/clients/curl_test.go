package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
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
