package stages

// txnStages lists the changes that an entry can bring. An entry is one of them;
// as a parent TxnPut stands for whichever it was.
var txnStages = []Spec{
	{
		Stage: TxnPut, Name: "txn.put", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/txn", "Put"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_server_apply_duration_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver/txn.Put",
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*storeTxnWrite).put",
		},
		EN: Text{
			Note: "the key was written in a transaction of its own",
			What: "Put checks that the lease exists, opens a write transaction on the store, reads the old value if the client asked for it, writes, and closes the transaction. In the tree of stages it also stands for any other change, since they all use the store in this way.",
			How:  "The apply goroutine calls it through a seam; stamps stand before and after: both edges are exact.",
			Slow: "mvcc.begin, when the backend is just being committed, and mvcc.end, when this change sets off a commit or many watchers must be told.",
			Do:   "Look at those two rows. In etcd: etcd_server_apply_duration_seconds with op=\"Put\".",
		},
		ZH: Text{
			Note: "在单独的事务里写入这个 key",
			What: "Put 确认租约存在，在存储上打开一个写事务，如果客户端要旧值就先读出来，然后写入，关闭事务。在阶段树里它也代表其他各种改动，因为它们都这样使用存储。",
			How:  "apply 的 goroutine 经由接缝调用它，前后各打一个点：两端都精确。",
			Slow: "mvcc.begin：后端恰好正在提交；mvcc.end：这次改动引发了提交，或要通知很多 watcher。",
			Do:   "看这两行。在 etcd 里看 etcd_server_apply_duration_seconds，op=\"Put\"。",
		},
	},
	{
		Stage: TxnDeleteRange, Name: "txn.deleteRange", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/txn", "DeleteRange"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_server_apply_duration_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver/txn.DeleteRange",
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*storeTxnWrite).deleteRange",
		},
		EN: Text{
			Note: "the keys of the range were marked as deleted",
			What: "DeleteRange opens a write transaction, reads the old values if the client asked for them, and puts a tombstone on each key of the range. All of them get the same revision.",
			How:  "The apply goroutine calls it through a seam; stamps stand before and after: both edges are exact.",
			Slow: "The number of keys; --prev-kv, which reads every one of them first.",
			Do:   "Delete in pieces, without --prev-kv.",
		},
		ZH: Text{
			Note: "范围里的 key 被标记为已删除",
			What: "DeleteRange 打开写事务，如果客户端要旧值就先读出来，再给范围里的每个 key 放一个墓碑。它们的版本号相同。",
			How:  "apply 的 goroutine 经由接缝调用它，前后各打一个点：两端都精确。",
			Slow: "key 的个数；以及 --prev-kv，它要先把每个 key 都读一遍。",
			Do:   "分几次删，不要带 --prev-kv。",
		},
	},
	{
		Stage: TxnTxn, Name: "txn.txn", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/txn", "Txn"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_mvcc_txn_total",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver/txn.Txn",
			"go.etcd.io/etcd/server/v3/etcdserver/txn.compareToPath",
			"go.etcd.io/etcd/server/v3/etcdserver/txn.executeTxn",
		},
		EN: Text{
			Note: "compared, then ran one of the two lists",
			What: "Txn evaluates the comparisons on a read view, checks the operations of the list that won, and carries them out in one write transaction: other requests see all of its changes or none. Nothing else is applied meanwhile, so the comparisons still hold.",
			How:  "The apply goroutine calls it through a seam; stamps stand before and after: both edges are exact. A transaction that only reads does not come here; it shows as txn.range.",
			Slow: "The number of operations; ranges inside the transaction.",
			Do:   "Move ranges out of writing transactions where you can, and keep the lists short.",
		},
		ZH: Text{
			Note: "先比较，再执行两组操作之一",
			What: "Txn 在读视图上判断比较条件，检查被选中的那组操作，再在一个写事务里全部执行：别人要么看到全部改动，要么一个也看不到。这期间没有别的条目在 apply，所以条件依然成立。",
			How:  "apply 的 goroutine 经由接缝调用它，前后各打一个点：两端都精确。只读事务不走这里，它显示为 txn.range。",
			Slow: "操作的个数；事务里的范围读取。",
			Do:   "尽量把范围读取移出写事务，操作列表要短。",
		},
	},
	{
		Stage: TxnCompact, Name: "txn.compact", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*store).Compact"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*store).updateCompactRev",
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*store).scheduleCompaction",
		},
		EN: Text{
			Note: "history before a revision was given up",
			What: "Compact notes the revision in the backend and commits the backend at once, so that the decision survives a crash. Then it queues the removal of old versions, which goes on in the background in small steps.",
			How:  "The apply goroutine calls it through a seam; stamps stand before and after: both edges are exact. The removal in the background is not in it.",
			Slow: "The forced commit: the backend writes its pages and syncs them while nothing else is applied. Before that it needs the store to itself: one long Range that is still reading delays it, and with it all writes.",
			Do:   "Compact at quiet times, and regularly, so that there is little to remove. A fast disk helps here as well.",
		},
		ZH: Text{
			Note: "放弃某个版本之前的历史",
			What: "Compact 在后端记下这个版本号并立刻提交，崩溃也丢不了这个决定。然后把清理旧版本的工作排上队，由后台一小步一小步地做。",
			How:  "apply 的 goroutine 经由接缝调用它，前后各打一个点：两端都精确。后台的清理不在其中。",
			Slow: "那次强制提交：后端写页、同步到盘，期间别的条目都无法 apply。在那之前它要独占整个存储：一个还没读完的大 Range 会拖住它，连带所有写入。",
			Do:   "在空闲时做，并且定期做，这样每次要清理的就少。磁盘快也有帮助。",
		},
	},
	{
		Stage: ApplyLease, Name: "apply.lease", Parent: ApplyEntry, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/lease", "(*lessor).Grant"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_debugging_lease_granted_total",
		Next: []string{
			"go.etcd.io/etcd/server/v3/lease.(*lessor).Grant",
			"go.etcd.io/etcd/server/v3/lease.(*lessor).Revoke",
			"go.etcd.io/etcd/server/v3/storage/backend.(*batchTxBuffered).Unlock",
		},
		EN: Text{
			Note: "a lease was granted, or revoked with its keys",
			What: "Stands for both changes to leases. Grant notes the new lease in memory and in the backend. Revoke deletes every key attached to the lease and then the lease itself, in one transaction of the backend.",
			How:  "The apply goroutine calls it through a seam; stamps stand before and after: both edges are exact.",
			Slow: "Revoke: the number of attached keys, and then a commit of the backend with its fsync, since the backend commits at once whenever something was removed from it.",
			Do:   "Attach fewer keys to a lease, and let leases not all run out in the same second.",
		},
		ZH: Text{
			Note: "租约被创建，或连同它的 key 被撤销",
			What: "代表对租约的两种改动。Grant 把新租约记在内存和后端里；Revoke 先删掉挂在租约上的每个 key，再删租约本身，全在后端的一个事务里。",
			How:  "apply 的 goroutine 经由接缝调用它，前后各打一个点：两端都精确。",
			Slow: "Revoke：挂着的 key 的个数，然后是后端的一次提交和 fsync，因为只要从后端删除了东西，它就会立刻提交。",
			Do:   "一个租约上少挂些 key，也别让大量租约在同一秒到期。",
		},
	},
}
