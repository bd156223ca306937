package etcdserver

import (
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// processReady takes one Ready through its stages. Whatever raft has gathered
// since the last one is in it: the entries of many proposals are saved with one
// fsync, which is what group commit is here.
//
// What is committed goes to apply before this Ready is saved, so that the disk
// and the store work at the same time.
func (r *raftNode) processReady(rd raft.Ready) error {
	if !raft.IsEmptySnap(rd.Snapshot) {
		return errSnapshotReceived
	}
	r.updateSoftState(rd.SoftState)
	if err := r.sendReadStates(rd.ReadStates); err != nil {
		return err
	}
	ap, err := r.sendToApply(rd.CommittedEntries)
	if err != nil {
		return err
	}
	// A leader may send before it has saved: its own vote for an entry counts
	// only after the save (raft thesis, 10.2.1).
	if r.isLead {
		r.transport.Send(rd.Messages)
	}
	if err := r.save(rd); err != nil {
		return err
	}
	if ap != nil {
		close(ap.savedc)
	}
	if !r.isLead {
		// A follower that speaks before its membership is up to date could
		// count the vote of a removed member.
		if err := r.waitConfChange(ap); err != nil {
			return err
		}
		r.transport.Send(rd.Messages)
	}
	r.Advance()
	if ap != nil && ap.advancedc != nil {
		close(ap.advancedc)
	}
	return nil
}

func (r *raftNode) updateSoftState(st *raft.SoftState) {
	if st == nil {
		return
	}
	r.isLead = st.RaftState == raft.StateLeader
	r.handler.updateLeadership(st.Lead, r.isLead)
}

// sendReadStates hands the answer to a read index to the read loop. One is
// enough, the last: it covers those before it.
func (r *raftNode) sendReadStates(states []raft.ReadState) error {
	if len(states) == 0 {
		return nil
	}
	last := states[len(states)-1]
	select {
	case r.readStateC <- last:
		return nil
	default:
	}
	timeout := time.NewTimer(readStateTimeout)
	defer timeout.Stop()
	select {
	case r.readStateC <- last:
		return nil
	case <-timeout.C:
		r.lg.Warn("timed out sending read state", zap.Duration("timeout", readStateTimeout))
		return nil
	case <-r.stopped:
		return errRaftStopping
	}
}

// sendToApply hands the committed entries to the apply goroutine. It returns nil
// when there are none: an empty Ready would only wake it up for nothing.
func (r *raftNode) sendToApply(entries []*raftpb.Entry) (*toApply, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	ap := &toApply{entries: entries, savedc: make(chan struct{})}
	if changesConf(entries) {
		ap.advancedc = make(chan struct{})
		if !r.isLead {
			ap.appliedc = make(chan struct{})
		}
	}
	r.handler.updateCommittedIndex(entries[len(entries)-1].GetIndex())
	select {
	case r.applyc <- ap:
		return ap, nil
	case <-r.stopped:
		return nil, errRaftStopping
	}
}

// save makes the Ready durable and then visible to raft.
func (r *raftNode) save(rd raft.Ready) error {
	if err := r.storage.Save(rd.HardState, rd.Entries); err != nil {
		return fmt.Errorf("save raft state and entries: %w", err)
	}
	if err := r.raftStorage.Append(rd.Entries); err != nil {
		return fmt.Errorf("append raft entries: %w", err)
	}
	return nil
}

func (r *raftNode) waitConfChange(ap *toApply) error {
	if ap == nil || ap.appliedc == nil {
		return nil
	}
	select {
	case <-ap.appliedc:
		return nil
	case <-r.stopped:
		return errRaftStopping
	}
}

func changesConf(entries []*raftpb.Entry) bool {
	for _, e := range entries {
		if e.GetType() != raftpb.EntryNormal {
			return true
		}
	}
	return false
}
