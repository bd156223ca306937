package etcdserver

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/raft/v3"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// errSnapshotReceived ends a member that receives a snapshot from a leader: without
// a transport it cannot receive the database that belongs to the snapshot.
var errSnapshotReceived = errors.New("received a snapshot from a leader, which is not supported")

// processReady takes one Ready through its stages:
//
//	raft            raft loop                         elsewhere
//	----            ---------                         ---------
//	Ready() ------> 1 SoftState                       updateLeadership, at once
//	                2 ReadStates ------ readStateC -> read loop
//	                3 CommittedEntries -- applyc ---> run -> apply goroutine: applyAll
//	                4 Messages, if leader -- Send --> other members
//	                5 HardState, Entries: WAL.Save, with an fsync
//	                  then close(savedc) -----------> apply goroutine: snapshot, if due
//	                6 Messages, if follower -- Send > other members
//	Advance <------ 7 Advance
//
// The committed entries are handed over before the save, so that the store (3) and
// the disk (5) work at the same time. A leader's entries are committed in a Ready
// after the one that saves them. On a follower an entry may be in both lists of one
// Ready: a quorum of other members has saved it.
//
// A Ready contains what raft has collected since the last one. The entries of many
// proposals are thus saved with one fsync: this is group commit.
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
	// A leader may send before it saves: raft counts the leader's own copy of an
	// entry only after Advance (raft thesis, 10.2.1).
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
		// A follower must not send before it has applied a change of the
		// membership, or it could count the vote of a removed member.
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

// sendReadStates hands raft's answer to the read loop. It hands over the last one
// alone, whose index is the highest. It drops the answer if the read loop does not
// take it within readStateTimeout.
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

// sendToApply hands the committed entries to the apply goroutine and returns what
// it handed over. It returns nil, and does not wake that goroutine, if entries is
// empty. If the loop is told to stop while it waits, errRaftStopping is returned.
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

// save makes the entries and the hard state durable, and then lets raft read the
// entries.
func (r *raftNode) save(rd raft.Ready) error {
	if err := r.storage.Save(rd.HardState, rd.Entries); err != nil {
		return fmt.Errorf("save raft state and entries: %w", err)
	}
	if err := r.raftStorage.Append(rd.Entries); err != nil {
		return fmt.Errorf("append raft entries: %w", err)
	}
	return nil
}

// waitConfChange waits until a change of the membership in ap is applied.
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
