package stages

// cluster lists the stages of the proposal, the log, the other members, the apply of a change to the store, and reads.
var cluster = []Spec{
	{
		Stage: RaftRequest, Name: "etcdserver.raftRequest", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: etcdserver.symbol("(*EtcdServer).raftRequest"), Seam: "server/seam/path/propose.go",
		Begin: exact, End: exact, Hold: HoldRequest, Metric: "etcd_server_request_duration_seconds",
		Next: []Symbol{etcdserver.symbol("(*EtcdServer).raftRequest"), etcdserver.symbol("(*EtcdServer).processInternalRaftRequestOnce")},
	},
	{
		Stage: ProcessOnce, Name: "etcdserver.processInternalRaftRequestOnce", Parent: RaftRequest, Scope: ScopeRequest, Kind: KindWork,
		Upstream: etcdserver.symbol("(*EtcdServer).processInternalRaftRequestOnce"), Seam: "server/seam/path/propose.go",
		Begin: exact, End: exact, Waits: true, Hold: HoldRequest, Metric: "etcd_server_request_duration_seconds",
		Next: []Symbol{
			etcdserver.symbol("(*EtcdServer).processInternalRaftRequestOnce"),
			etcdserver.symbol("exceedsRequestLimit"),
			etcdserver.symbol("(*EtcdServer).parseProposeCtxErr"),
		},
	},
	{
		Stage: RaftPropose, Name: "raft.propose", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: raft.symbol("(*node).Propose"), Seam: "server/seam/path/propose.go",
		Begin: exact, End: exact, Hold: HoldRequest,
		Next: []Symbol{raft.symbol("(*node).Propose"), raft.symbol("(*node).stepWithWaitOption"), raft.symbol("(*raft).appendEntry")},
	},
	{
		Stage: RaftWaitReady, Name: "raft.waitReady", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: raft.symbol("(*node).run"), Seam: "server/seam/path/propose.go",
		Begin: near(1000), End: near(1000), Metric: "etcd_server_proposals_pending",
		Next: []Symbol{raft.symbol("(*node).run"), raft.symbol("(*RawNode).HasReady"), raft.symbol("Ready")},
	},
	{
		Stage: RaftHandleReady, Name: "raft.handleReady", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: etcdserver.symbol("(*raftNode).start"), Seam: "server/seam/path/ready.go",
		Begin: near(1000), End: exact, Hold: HoldShared,
		Next: []Symbol{etcdserver.symbol("(*raftNode).start"), etcdserver.symbol("(*EtcdServer).run"), raft.symbol("Ready")},
	},
	{
		Stage: RaftReplicate, Name: "raft.replicate", Parent: ProcessOnce, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: rafthttp.symbol("(*Transport).Send"),
		Begin:    exact, End: exact, Metric: "etcd_network_peer_round_trip_time_seconds",
		Next: []Symbol{rafthttp.symbol("(*Transport).Send"), raft.symbol("(*raft).bcastAppend")},
	},
	{
		Stage: PeerSend, Name: "peer.send", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: rafthttp.symbol("(*peer).send"),
		Begin:    exact, End: exact, Metric: "etcd_network_peer_sent_failures_total",
		Next: []Symbol{rafthttp.symbol("(*peer).send"), rafthttp.symbol("(*streamWriter).run")},
	},
	{
		Stage: PeerAppend, Name: "peer.append", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindDisk,
		Upstream: raft.symbol("(*raft).handleAppendEntries"),
		Begin:    exact, End: exact, Metric: "etcd_disk_wal_fsync_duration_seconds",
		Next: []Symbol{raft.symbol("(*raft).handleAppendEntries"), etcdserver.symbol("(*raftNode).start")},
	},
	{
		Stage: PeerAck, Name: "peer.ack", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: raft.symbol("(*raft).Step"),
		Begin:    exact, End: exact, Metric: "etcd_network_peer_round_trip_time_seconds",
		Next: []Symbol{raft.symbol("stepLeader"), tracker.symbol("(*Progress).MaybeUpdate")},
	},
	{
		Stage: WALSave, Name: "wal.save", Parent: ProcessOnce, Scope: ScopeBatch, Kind: KindDisk,
		Upstream: wal.symbol("(*WAL).Save"), Seam: "server/seam/path/storage.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_disk_wal_write_duration_seconds",
		Next: []Symbol{wal.symbol("(*WAL).Save"), wal.symbol("(*encoder).encode"), wal.symbol("(*WAL).cut")},
	},
	{
		Stage: WALSync, Name: "wal.sync", Parent: WALSave, Scope: ScopeBatch, Kind: KindDisk,
		Upstream: wal.symbol("(*WAL).sync"), Seam: "server/seam/path/storage.go",
		Begin: near(2000), End: near(2000), Metric: "etcd_disk_wal_fsync_duration_seconds",
		Next: []Symbol{wal.symbol("(*WAL).sync"), fileutil.symbol("Fdatasync"), raft.symbol("MustSync")},
	},
	{
		Stage: RaftCommit, Name: "raft.commit", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindConsensus,
		Upstream: raft.symbol("(*raft).maybeCommit"), Seam: "server/seam/path/ready.go",
		Begin: exact, End: near(1000), Metric: "etcd_server_proposals_committed_total",
		Next: []Symbol{
			raft.symbol("(*raft).maybeCommit"),
			raft.symbol("(*RawNode).Advance"),
			quorum.symbol("MajorityConfig.CommittedIndex"),
		},
	},
	{
		Stage: ApplyWait, Name: "apply.wait", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: etcdserver.symbol("(*EtcdServer).run"), Seam: "server/seam/path/apply.go",
		Begin: near(1000), End: exact, Metric: "etcd_server_proposals_applied_total",
		Next: []Symbol{
			etcdserver.symbol("(*EtcdServer).run"),
			etcdserver.symbol("(*EtcdServer).applyAll"),
			etcdserver.symbol("(*EtcdServer).applyEntries"),
		},
	},
	{
		Stage: ApplySchedule, Name: "apply.schedule", Parent: ApplyWait, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: schedule.symbol("(*fifo).run"), Seam: "server/seam/path/apply.go",
		Begin: near(1000), End: exact,
		Next: []Symbol{schedule.symbol("(*fifo).Schedule"), schedule.symbol("(*fifo).run")},
	},
	{
		Stage: ApplyQueue, Name: "apply.queue", Parent: ApplyWait, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: etcdserver.symbol("(*EtcdServer).apply"), Seam: "server/seam/path/apply.go",
		Begin: exact, End: exact,
		Next: []Symbol{etcdserver.symbol("(*EtcdServer).apply")},
	},
	{
		Stage: ApplyEntry, Name: "apply.entry", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindWork,
		Upstream: etcdserver.symbol("(*EtcdServer).applyEntryNormal"), Seam: "server/seam/path/apply.go",
		Begin: exact, End: near(1000), Hold: HoldShared, Metric: "etcd_server_apply_duration_seconds",
		Next: []Symbol{
			etcdserver.symbol("(*EtcdServer).applyEntryNormal"),
			apply.symbol("Apply"),
			apply.symbol("(*uberApplier).dispatch"),
		},
	},
	{
		Stage: TxnPut, Name: "txn.put", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: txn.symbol("Put"), Seam: "server/seam/path/apply.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_server_apply_duration_seconds",
		Next: []Symbol{txn.symbol("Put"), mvcc.symbol("(*storeTxnWrite).put")},
	},
	{
		Stage: TxnDeleteRange, Name: "txn.deleteRange", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: txn.symbol("DeleteRange"), Seam: "server/seam/path/apply.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_server_apply_duration_seconds",
		Next: []Symbol{txn.symbol("DeleteRange"), mvcc.symbol("(*storeTxnWrite).deleteRange")},
	},
	{
		Stage: TxnTxn, Name: "txn.txn", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: txn.symbol("Txn"), Seam: "server/seam/path/apply.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_mvcc_txn_total",
		Next: []Symbol{txn.symbol("Txn"), txn.symbol("compareToPath"), txn.symbol("executeTxn")},
	},
	{
		Stage: TxnCompact, Name: "txn.compact", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: mvcc.symbol("(*store).Compact"), Seam: "server/seam/path/apply.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
		Next: []Symbol{mvcc.symbol("(*store).updateCompactRev"), mvcc.symbol("(*store).scheduleCompaction")},
	},
	{
		Stage: ApplyLease, Name: "apply.lease", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: lease.symbol("(*lessor).Grant"), Seam: "server/seam/path/apply.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_debugging_lease_granted_total",
		Next: []Symbol{lease.symbol("(*lessor).Grant"), lease.symbol("(*lessor).Revoke"), backend.symbol("(*batchTxBuffered).Unlock")},
	},
	{
		Stage: MVCCBegin, Name: "mvcc.begin", Parent: TxnPut, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: mvcc.symbol("(*store).Write"), Seam: "server/seam/path/kv.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_disk_backend_commit_duration_seconds",
		Next: []Symbol{mvcc.symbol("(*store).Write"), backend.symbol("(*batchTx).LockInsideApply"), backend.symbol("(*backend).run")},
	},
	{
		Stage: MVCCPut, Name: "mvcc.put", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: mvcc.symbol("(*storeTxnWrite).Put"), Seam: "server/seam/path/kv.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_mvcc_put_total",
		Next: []Symbol{
			mvcc.symbol("(*storeTxnWrite).put"),
			mvcc.symbol("(*treeIndex).Put"),
			backend.symbol("(*batchTxBuffered).UnsafeSeqPut"),
		},
	},
	{
		Stage: MVCCDeleteRange, Name: "mvcc.deleteRange", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: mvcc.symbol("(*storeTxnWrite).DeleteRange"), Seam: "server/seam/path/kv.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_mvcc_delete_total",
		Next: []Symbol{mvcc.symbol("(*storeTxnWrite).deleteRange"), mvcc.symbol("(*treeIndex).Tombstone")},
	},
	{
		Stage: MVCCEnd, Name: "mvcc.end", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: mvcc.symbol("(*storeTxnWrite).End"), Seam: "server/seam/path/kv.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_disk_backend_commit_duration_seconds",
		Next: []Symbol{
			mvcc.symbol("(*watchableStoreTxnWrite).End"),
			mvcc.symbol("(*storeTxnWrite).End"),
			backend.symbol("(*batchTxBuffered).Unlock"),
		},
	},
	{
		Stage: WaitTrigger, Name: "wait.trigger", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: wait.symbol("(*list).Trigger"), Seam: "server/seam/path/propose.go",
		Begin: exact, End: near(1000), Hold: HoldShared,
		Next: []Symbol{wait.symbol("(*list).Trigger"), wait.symbol("(*list).Register")},
	},
	{
		Stage: ReadWait, Name: "read.wait", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: read.symbol("(*Read).LinearizableReadNotify"), Seam: "server/seam/path/read.go",
		Begin: exact, End: exact, Hold: HoldRequest,
		Next: []Symbol{read.symbol("(*Read).LinearizableReadNotify"), read.symbol("(*Read).LinearizableReadLoop")},
	},
	{
		Stage: ReadIndex, Name: "read.index", Parent: GRPCHandler, Scope: ScopeBatch, Kind: KindConsensus,
		Upstream: read.symbol("(*Read).requestCurrentIndex"), Seam: "server/seam/path/read.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_server_slow_read_indexes_total",
		Next: []Symbol{
			read.symbol("(*Read).requestCurrentIndex"),
			raft.symbol("(*node).ReadIndex"),
			raft.symbol("(*raft).responseToReadIndexReq"),
		},
	},
	{
		Stage: ReadWaitApplied, Name: "read.waitApplied", Parent: GRPCHandler, Scope: ScopeBatch, Kind: KindQueue,
		Upstream: wait.symbol("(*timeList).Wait"), Seam: "server/seam/path/read.go",
		Begin: exact, End: exact, Hold: HoldShared, Metric: "etcd_server_proposals_applied_total",
		Next: []Symbol{read.symbol("(*Read).LinearizableReadLoop"), wait.symbol("(*timeList).Wait"), wait.symbol("(*timeList).Trigger")},
	},
	{
		Stage: ReadRelease, Name: "read.release", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: read.symbol("(*notifier).notify"), Seam: "server/seam/path/read.go",
		Begin: exact, End: exact,
		Next: []Symbol{read.symbol("(*notifier).notify"), read.symbol("(*Read).LinearizableReadNotify")},
	},
	{
		Stage: TxnRange, Name: "txn.range", Parent: GRPCHandler, Scope: ScopeRequest, Kind: KindWork,
		Upstream: txn.symbol("Range"), Seam: "server/seam/path/read.go",
		Begin: exact, End: exact, Hold: HoldRequest, Metric: "etcd_server_range_duration_seconds",
		Next: []Symbol{txn.symbol("Range"), mvcc.symbol("(*storeTxnCommon).rangeKeys"), backend.symbol("(*backend).ConcurrentReadTx")},
	},
}
