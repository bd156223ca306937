// Package etcdserver is one member of the key-value server: everything between
// an RPC handler and the disk. Like etcd's package of the same name it is glue
// between parts: raft, the write-ahead log, the backend, the multi-version store
// and the lessor. The parts are etcd's; the glue is written anew.
//
// # A write
//
// The files, in the order in which a Put meets them:
//
//	v3_server.go  Put makes the request that raft is to carry
//	propose.go    raftRequest and processInternalRaftRequestOnce give it an ID,
//	              register the ID in the wait table and propose the request
//	raft.go       raftNode.start, the raft loop: ticks, and one Ready at a time
//	ready.go      processReady: hand to apply, save, send, advance
//	storage.go    the write-ahead log: one fsync for all entries of a Ready
//	apply.go      the apply goroutine: committed entries, in order; each wakes
//	              the request that waits for it
//	dispatch.go   executes an entry's request on the store
//
// Three goroutines share the work: the request's proposes and waits, the raft
// loop saves, and the apply goroutine executes. They meet in three places only,
// raft's own channels, raftNode.applyc and the wait table:
//
//	request                  raft loop                     apply goroutine
//	-------                  ---------                     ---------------
//	w.Register(id)
//	Propose(data) --> raft
//	select on ch        |
//	  :                 +--> Ready 1, Entries
//	  :                      WAL.Save, fsync
//	  :                 +<-- Advance
//	  :               raft: committed
//	  :                 +--> Ready 2, CommittedEntries
//	  :                      applyc <- toApply ----------> run: Schedule
//	  :                      WAL.Save, close(savedc)       applyAll
//	  :                 +<-- Advance                         applyEntryNormal
//	  :                                                        dispatch
//	ch <------------------------------------------------------ w.Trigger(id, result)
//
// On a leader an entry is in two Readys: first among those to save and, once a
// quorum has saved it, among those to apply. While a Ready is saved, raft collects
// the next one, so that many proposals share one fsync.
//
// # A read
//
// A linearizable read (read.go) does not go through the log. It joins a round of
// the read loop, which asks raft for the commit index, waits until that index is
// applied, and releases all readers of the round. Each reader then reads the
// store on its own goroutine. A serializable read skips the round.
//
//	readers                  read loop                     raft loop, apply
//	-------                  ---------                     ----------------
//	join a round, wakec ---> ReadIndex(id) --------------> Ready, ReadStates
//	select on round.done     index <-- readStateC <------- sendReadStates
//	  :                      applyWait.Wait(index) <------ applyWait.Trigger
//	read the store <-------- close(round.done)
//
// RangeStream (range_stream.go) does the same and reads in chunks. A watch does
// not read: the store notifies its watchers at the end of each write.
//
// # The rest
//
//	server.go       EtcdServer, and NewServer, which makes it
//	config.go       what its user decides
//	bootstrap.go    opens or creates a data directory; bootstrap_wal.go reads its log
//	refusal.go      the data directories that are refused, and the errors for them
//	lifecycle.go    starts and stops the member
//	failure.go      turns a fatal error of a part into the end of the member
//	status.go       what the member reports about itself
//	snapshot.go     keeps the log short
//	membership.go   publishes this member and changes the cluster's members
//	version.go      the cluster's version, the backend's, and downgrades
//	lease.go        leases; renewals and lookups do not go through the log
//	auth.go         users and roles
//	alarm.go        alarms, and the requests that they forbid
//	maintenance.go  hashes, copies and defragments the backend; moves the leader
//
// # Seams
//
// The logic contains no tracing. Seams (seams.go) lists the places where a
// wrapper can be put around a function or a part; wiring.go is the only file
// that puts wrappers there.
package etcdserver
