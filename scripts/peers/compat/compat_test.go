package compat

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/testing/protocmp"

	"glasskv/scripts/peers/internal/twin"
)

// One server writes, the other opens what it left, finds all of it and writes
// on; then the first opens that again. Whether the first one was stopped or
// killed makes no difference.
func TestDataDirectoriesSwap(t *testing.T) {
	for _, pair := range [][2]string{{twin.GlassKV, twin.Etcd}, {twin.Etcd, twin.GlassKV}} {
		for how, end := range map[string]func(*running){
			"stopped": func(r *running) { r.Stop() }, "killed": func(r *running) { r.Kill() },
		} {
			first, second := pair[0], pair[1]
			t.Run(first+" "+how+", then "+second, func(t *testing.T) {
				m := twin.NewMember(t)

				r := start(t, m, first)
				fill(t, r, first)
				written := read(t, r)
				end(r)

				r = start(t, m, second)
				same(t, second+" on what "+first+" wrote", written, read(t, r))
				fill(t, r, second)
				written = read(t, r)
				end(r)

				r = start(t, m, first)
				same(t, first+" again, on what "+second+" wrote", written, read(t, r))
				r.Stop()
			})
		}
	}
}

// The same requests lead either server to the same store: every key has the
// revision, the version and the lease that it would have had in the other.
func TestTheSameStoryHasTheSameResult(t *testing.T) {
	var contents []content
	for _, server := range []string{twin.GlassKV, twin.Etcd} {
		r := start(t, twin.NewMember(t), server)
		fill(t, r, "story")
		got := read(t, r)
		for _, kv := range got.Kvs {
			kv.Lease = min(kv.Lease, 1) // the server makes the ID up
		}
		got.Cluster, got.Member = 0, 0 // they follow from the addresses
		contents = append(contents, got)
		r.Stop()
	}
	same(t, twin.Etcd+" after the same requests as "+twin.GlassKV, contents[0], contents[1])
}

// content is everything that a client can see of a store.
type content struct {
	Cluster, Member uint64
	Revision        int64
	Kvs             []*mvccpb.KeyValue
}

// read takes the whole content, through the path of a linearizable read.
func read(t *testing.T, r *running) content {
	t.Helper()
	got, err := r.Get(within(t), "\x00", clientv3.WithFromKey())
	if err != nil {
		t.Fatal(err)
	}
	return content{got.Header.ClusterId, got.Header.MemberId, got.Header.Revision, got.Kvs}
}

// same fails when two servers do not show the same content.
func same(t *testing.T, what string, want, got content) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Fatalf("%s (-before +after):\n%s", what, diff)
	}
}

// fill writes a little of everything: enough puts for a few snapshots, keys
// written more than once, a deletion, a transaction, an attached lease, a
// compaction. The name keeps the keys of two fillings apart.
func fill(t *testing.T, r *running, name string) {
	t.Helper()
	ctx := within(t)
	for i := range 250 {
		key := fmt.Sprintf("%s/%03d", name, i%200)
		if _, err := r.Put(ctx, key, fmt.Sprintf("value %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Delete(ctx, name+"/05", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	txn, err := r.Txn(ctx).
		If(clientv3.Compare(clientv3.Version(name+"/000"), "=", 2)).
		Then(clientv3.OpPut(name+"/txn", "twice written"), clientv3.OpDelete(name+"/001")).
		Else(clientv3.OpPut(name+"/txn", "not as expected")).Commit()
	if err != nil || !txn.Succeeded {
		t.Fatalf("txn: %v, %v", txn, err)
	}
	lease, err := pb.NewLeaseClient(r.ActiveConnection()).LeaseGrant(ctx, &pb.LeaseGrantRequest{TTL: 3600})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Put(ctx, name+"/leased", "for an hour", clientv3.WithLease(clientv3.LeaseID(lease.ID))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Compact(ctx, txn.Header.Revision-10, clientv3.WithCompactPhysical()); err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) { os.Exit(twin.RunTests(m)) }

// running is a server on a member's data, with a client.
type running struct {
	*twin.Process
	*clientv3.Client
}

func start(t *testing.T, m *twin.Member, server string) *running {
	t.Helper()
	process := m.Start(t, server)
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{m.Client}, DialTimeout: twin.Patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return &running{process, client}
}

// within bounds one request, or a few.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), twin.Patience)
	t.Cleanup(cancel)
	return ctx
}
