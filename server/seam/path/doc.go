// Package path observes a request from its proposal, or its read, to the store and
// back. It wraps raft.Node, the log, the store and the function values that
// server/etcdserver calls its own steps through.
//
// In the order in which a Put meets them:
//
//	request.go   raftRequest, processInternalRaftRequestOnce
//	requests.go  from an entry back to its request's record, by the request ID
//	node.go      the proposal is handed to raft
//	ready.go     the raft loop's work on one Ready
//	storage.go   wal.save and, by the WAL's own histogram (fsync.go), wal.sync
//	apply.go     from apply's queue through the entry
//	kv.go        the store's part of an entry
//	wait.go      the result wakes the handler
//
// read.go observes linearizable reads, watch.go and watch_notified.go an event on its
// way from a write to a watcher, lease.go and maintenance.go what does not go through
// the log. path.go joins them, and report.go tells server/seam/hold what is queued.
package path
