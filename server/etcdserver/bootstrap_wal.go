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
	haveWAL  bool // false when it was created just now
	w        *wal.WAL
	meta     walMetadata
	snapshot *walpb.Snapshot // the mark that reading began at
	st       *raftpb.HardState
	ents     []*raftpb.Entry
}

// walMetadata stands at the head of each log file.
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

// openWAL reads the log from its last snapshot on. A tail torn by a crash is cut
// off, once: what was torn had not been acknowledged.
func openWAL(cfg *Config) (*bootstrappedWAL, error) {
	if err := fileutil.IsDirWriteable(cfg.walDir()); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDataDirNotWritable, err)
	}
	mark, err := lastSnapshotMark(cfg)
	if err != nil {
		return nil, walErr(cfg, err)
	}
	b, err := readWAL(cfg, mark)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		if !wal.Repair(cfg.Logger, cfg.walDir()) {
			return nil, walErr(cfg, err)
		}
		cfg.Logger.Warn("repaired torn tail of the write-ahead log", zap.NamedError("cause", err))
		b, err = readWAL(cfg, mark)
	}
	if err != nil {
		return nil, walErr(cfg, err)
	}
	return b, nil
}

// lastSnapshotMark returns the newest mark at or below the commit index. Every
// log starts with one of index zero.
func lastSnapshotMark(cfg *Config) (*walpb.Snapshot, error) {
	marks, err := wal.ValidSnapshotEntries(cfg.Logger, cfg.walDir())
	if err != nil {
		return nil, err
	}
	if len(marks) == 0 {
		return &walpb.Snapshot{Index: new(uint64(0)), Term: new(uint64(0))}, nil
	}
	return marks[len(marks)-1], nil
}

func readWAL(cfg *Config, mark *walpb.Snapshot) (*bootstrappedWAL, error) {
	w, err := wal.Open(cfg.Logger, cfg.walDir(), &walpb.Snapshot{Index: mark.Index, Term: mark.Term})
	if err != nil {
		return nil, err
	}
	metadata, st, ents, err := w.ReadAll()
	if err != nil {
		// The reason is what matters, not that the file could not be closed.
		_ = w.Close()
		return nil, err
	}
	b := &bootstrappedWAL{haveWAL: true, w: w, snapshot: mark, st: st, ents: ents}
	var m pb.Metadata
	if err := proto.Unmarshal(metadata, &m); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("metadata: %w", err)
	}
	b.meta = walMetadata{memberID: types.ID(m.GetNodeID()), clusterID: types.ID(m.GetClusterID())}
	return b, nil
}

// walErr says what is wrong with the log: whatever cannot be read and is not a
// torn tail is damage.
func walErr(cfg *Config, err error) error {
	switch {
	case errors.Is(err, fileutil.ErrLocked):
		return fmt.Errorf("%w: %s", ErrDataDirLocked, cfg.walDir())
	default:
		return fmt.Errorf("%w: %s: %w", ErrWALCorrupt, cfg.walDir(), err)
	}
}

// isBlank tells whether nothing was ever written to the log, so that nothing can
// have been acknowledged.
func (b *bootstrappedWAL) isBlank() bool {
	return len(b.ents) == 0 && b.snapshot.GetIndex() == 0 && raft.IsEmptyHardState(b.st)
}

// lastIndex is where the log ends.
func (b *bootstrappedWAL) lastIndex() uint64 {
	if n := len(b.ents); n > 0 {
		return b.ents[n-1].GetIndex()
	}
	return b.snapshot.GetIndex()
}
