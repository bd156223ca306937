package etcdserver

import (
	"errors"
	"fmt"
	"io"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
	"google.golang.org/protobuf/proto"
)

// bootstrappedWAL is the write-ahead log and what was read from it.
type bootstrappedWAL struct {
	haveWAL  bool // false if it has just been created
	w        *wal.WAL
	meta     walMetadata
	snapshot *walpb.Snapshot // the marker at which reading began
	st       *raftpb.HardState
	ents     []*raftpb.Entry
}

// walMetadata is the identity at the head of each log file.
type walMetadata struct {
	memberID, clusterID types.ID
}

// create makes an empty log.
func (b *bootstrappedWAL) create(cfg *Config, c *bootstrappedCluster) error {
	metadata, err := proto.Marshal(&pb.Metadata{
		NodeID:    new(uint64(c.memberID)),
		ClusterID: new(uint64(c.cl.ID())),
	})
	if err != nil {
		return fmt.Errorf("create wal: %w", err)
	}
	if b.w, err = wal.Create(cfg.Logger, cfg.walDir(), metadata); err != nil {
		return fmt.Errorf("create wal: %w", err)
	}
	return nil
}

// openWAL reads the log from its last snapshot on. If a crash has torn the last
// record, openWAL cuts it off and reads once more: that record has not been
// acknowledged.
func openWAL(cfg *Config) (*bootstrappedWAL, error) {
	if err := fileutil.IsDirWriteable(cfg.walDir()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDataDirNotWritable, err)
	}
	marker, err := lastSnapshotMarker(cfg)
	if err != nil {
		return nil, walErr(cfg, err)
	}
	b, err := readWAL(cfg, marker)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		if !wal.Repair(cfg.Logger, cfg.walDir()) {
			return nil, walErr(cfg, err)
		}
		cfg.Logger.Warn("repaired torn tail of the write-ahead log", zap.NamedError("cause", err))
		b, err = readWAL(cfg, marker)
	}
	if err != nil {
		return nil, walErr(cfg, err)
	}
	return b, nil
}

// lastSnapshotMarker returns the newest marker at or below the commit index. Every
// log starts with a marker of index 0.
func lastSnapshotMarker(cfg *Config) (*walpb.Snapshot, error) {
	markers, err := wal.ValidSnapshotEntries(cfg.Logger, cfg.walDir())
	if err != nil {
		return nil, err
	}
	if len(markers) == 0 {
		return &walpb.Snapshot{Index: new(uint64(0)), Term: new(uint64(0))}, nil
	}
	return markers[len(markers)-1], nil
}

func readWAL(cfg *Config, marker *walpb.Snapshot) (*bootstrappedWAL, error) {
	w, err := wal.Open(cfg.Logger, cfg.walDir(), &walpb.Snapshot{Index: marker.Index, Term: marker.Term})
	if err != nil {
		return nil, err
	}
	metadata, st, ents, err := w.ReadAll()
	if err != nil {
		// An error of Close would hide the reason.
		_ = w.Close()
		return nil, err
	}
	b := &bootstrappedWAL{haveWAL: true, w: w, snapshot: marker, st: st, ents: ents}
	var m pb.Metadata
	if err := proto.Unmarshal(metadata, &m); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("metadata: %w", err)
	}
	b.meta = walMetadata{memberID: types.ID(m.GetNodeID()), clusterID: types.ID(m.GetClusterID())}
	return b, nil
}

// walErr returns ErrDataDirLocked if the log is locked, else ErrWALCorrupt, with
// the details.
func walErr(cfg *Config, err error) error {
	switch {
	case errors.Is(err, fileutil.ErrLocked):
		return fmt.Errorf("%w: %s", ErrDataDirLocked, cfg.walDir())
	default:
		return fmt.Errorf("%w: %s: %w", ErrWALCorrupt, cfg.walDir(), err)
	}
}

// isBlank reports whether nothing was ever written to the log, so nothing can
// have been acknowledged.
func (b *bootstrappedWAL) isBlank() bool {
	return len(b.ents) == 0 && b.snapshot.GetIndex() == 0 && raft.IsEmptyHardState(b.st)
}

// lastIndex returns the index of the last entry, or of the snapshot if no entry
// follows it.
func (b *bootstrappedWAL) lastIndex() uint64 {
	if n := len(b.ents); n > 0 {
		return b.ents[n-1].GetIndex()
	}
	return b.snapshot.GetIndex()
}
