package etcdserver

import (
	"encoding/json"
	"fmt"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
)

// bootstrappedRaft is what raft starts from.
type bootstrappedRaft struct {
	config  *raft.Config
	peers   []raft.Peer // of a new cluster
	storage *raft.MemoryStorage
}

// newRaftFromCluster starts a new log whose first entries add the members.
func newRaftFromCluster(cfg *Config, c *bootstrappedCluster) (*bootstrappedRaft, error) {
	b := &bootstrappedRaft{storage: raft.NewMemoryStorage()}
	for _, m := range c.cl.Members() {
		member, err := json.Marshal(m)
		if err != nil {
			return nil, fmt.Errorf("encode member %s: %w", m.ID, err)
		}
		b.peers = append(b.peers, raft.Peer{ID: uint64(m.ID), Context: member})
	}
	b.config = raftConfig(cfg, c, b.storage)
	return b, nil
}

// newRaftFromWAL fills raft's storage with what the log held. The configuration
// is the backend's: it belongs to the last applied entry, and entries up to
// there are not applied again.
func newRaftFromWAL(cfg *Config, c *bootstrappedCluster, w *bootstrappedWAL) (*bootstrappedRaft, error) {
	b := &bootstrappedRaft{storage: raft.NewMemoryStorage()}
	// The snapshot is applied even when its index is zero: it is what carries
	// the configuration.
	sn := &raftpb.Snapshot{Metadata: &raftpb.SnapshotMetadata{
		Index:     new(w.snapshot.GetIndex()),
		Term:      new(w.snapshot.GetTerm()),
		ConfState: confState(c),
	}}
	if err := b.storage.ApplySnapshot(sn); err != nil {
		return nil, fmt.Errorf("fill raft storage: %w", err)
	}
	if err := b.storage.SetHardState(w.st); err != nil {
		return nil, fmt.Errorf("fill raft storage: %w", err)
	}
	if err := b.storage.Append(w.ents); err != nil {
		return nil, fmt.Errorf("fill raft storage: %w", err)
	}
	b.config = raftConfig(cfg, c, b.storage)
	return b, nil
}

func confState(c *bootstrappedCluster) *raftpb.ConfState {
	cs := &raftpb.ConfState{}
	for _, m := range c.cl.Members() {
		if m.IsLearner {
			cs.Learners = append(cs.Learners, uint64(m.ID))
		} else {
			cs.Voters = append(cs.Voters, uint64(m.ID))
		}
	}
	return cs
}

func raftConfig(cfg *Config, c *bootstrappedCluster, st *raft.MemoryStorage) *raft.Config {
	return &raft.Config{
		ID:              uint64(c.memberID),
		ElectionTick:    cfg.ElectionTicks,
		HeartbeatTick:   1,
		Storage:         st,
		MaxSizePerMsg:   maxSizePerMsg,
		MaxInflightMsgs: maxInflightMsgs,
		CheckQuorum:     true,
		PreVote:         cfg.PreVote,
		Logger:          newRaftLogger(cfg.Logger),
	}
}

// startNode starts raft, which does nothing before its first tick.
func (b *bootstrappedRaft) startNode() raft.Node {
	if len(b.peers) == 0 {
		return raft.RestartNode(b.config)
	}
	return raft.StartNode(b.config, b.peers)
}
