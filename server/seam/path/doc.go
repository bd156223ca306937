// Package path observes a request from its proposal, or its read, to the store and back.
// It wraps raft.Node, the log, the store, and the steps of server/etcdserver that are
// function values.
//
// A Put meets the files in this order. What carries its record is on the right:
//
//	propose.go   raftRequest, processInternalRaftRequestOnce    the context
//	propose.go   the proposal is handed to raft                 the context; from here on
//	ready.go     the raft loop works on one Ready               the request ID in the entry,
//	storage.go   wal.save and wal.sync                          and requests.go finds
//	apply.go     from apply's queue through the entry           the record by it
//	kv.go        the store's part of the entry                  applying.current
//	propose.go   the result wakes the handler                   the request ID
//
// fsync.go measures wal.sync. read.go observes linearizable reads, watch.go events on
// their path from a write to a watcher, and local.go what a member does without the log.
// path.go joins them, and surroundings.go tells package hold what the server is doing.
package path
