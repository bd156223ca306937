package etcdserver

import (
	"context"

	"go.etcd.io/etcd/server/v3/storage/backend"
	"go.etcd.io/etcd/server/v3/storage/mvcc"
)

// MaintenanceSeams are the places where work on the member's files can be
// wrapped. All run on the request's goroutine.
type MaintenanceSeams struct {
	Hash       func(HashFunc) HashFunc
	HashByRev  func(HashByRevFunc) HashByRevFunc
	Defragment func(DefragmentFunc) DefragmentFunc
	Snapshot   func(SnapshotFunc) SnapshotFunc
}

type (
	// HashFunc reads the whole backend. It stands for mvcc's Hash.
	HashFunc func(ctx context.Context) (hash uint32, rev int64, err error)

	// HashByRevFunc reads all keys up to a revision, or the checksum that a
	// compaction left. It stands for mvcc's HashByRev.
	HashByRevFunc func(ctx context.Context, rev int64) (mvcc.KeyValueHash, int64, error)

	// DefragmentFunc writes the backend's file anew. It stands for backend's
	// Defrag.
	DefragmentFunc func(ctx context.Context) error

	// SnapshotFunc begins a snapshot, which is made in its WriteTo. The caller
	// closes it. It stands for backend's Snapshot.
	SnapshotFunc func(ctx context.Context) backend.Snapshot
)
