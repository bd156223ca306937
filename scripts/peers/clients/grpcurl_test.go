package clients

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"glasskv/scripts/peers/internal/twin"
)

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
