// Package etcdserver is one member of the key-value server: everything between
// an RPC handler and the disk. It is the glue that etcd's package of the same
// name is, written anew on the same parts: raft, the write-ahead log, the
// backend, the multi-version store, the lessor.
//
// # A write
//
// The files, in the order in which a Put meets them:
//
//	v3_server.go   Put wraps the request for raft
//	propose.go     raftRequest and processInternalRaftRequestOnce give it an
//	               ID, register it in the wait table and propose it
//	raft.go        raftNode, the raft loop: ticks, and one Ready after the other
//	ready.go       processReady: one Ready is handed to apply, saved, advanced
//	storage.go     the write-ahead log, one fsync for all entries of a Ready
//	apply.go       the apply goroutine: committed entries, in order
//	apply_entry.go applyEntryNormal executes one and wakes the waiting request
//	dispatch.go    which function of txn, lease or membership executes it
//
// The request's goroutine proposes and waits; the raft loop makes durable; the
// apply goroutine executes. They meet in three places only: raft's own channel,
// raftNode.applyc, and the wait table.
//
// # A read
//
// A linearizable read does not go through the log. It joins a round of the read
// loop (read.go), which asks raft for the commit index, waits until that index
// is applied, and releases all readers of the round; each then reads the store on
// its own goroutine. A serializable read skips the round.
//
// A RangeStream (range_stream.go) does the same and reads in chunks. A watch reads
// nothing: the store tells its watchers at the end of each write.
//
// # Leases
//
// lease.go grants and revokes them through the log. lease_renew.go gives them
// their time again and lease_list.go looks them up, both without the log and on
// the leader, who alone counts their time; lease_expiry.go revokes what has
// expired.
//
// # The rest
//
// bootstrap*.go open or create a data directory; snapshot.go and purge.go keep
// the log short; leadership.go follows raft's elections; membership.go publishes
// the member, version.go the cluster's version, and conf_change.go applies
// changes of the membership, which cluster_member.go proposes; maintenance.go
// reads, copies and defragments the backend, and downgrade.go prepares it for an
// older release; auth.go and auth_apply.go keep users and roles; alarm.go
// refuses what an alarm forbids; lifecycle.go and drain.go start and stop it all;
// failure.go says what happens when a disk does not do its part.
//
// # Seams
//
// The logic knows nothing of tracing. Seams (seams.go) lists the places where a
// wrapper may stand; wiring.go is the one file that puts them in.
package etcdserver
