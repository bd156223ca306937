package compat

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/protobuf/testing/protocmp"
)

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
