package stages

// mvccStages lists what a change does inside the store. They lie within
// whichever change opened the transaction.
var mvccStages = []Spec{
	{
		Stage: MVCCBegin, Name: "mvcc.begin", Parent: TxnPut, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*store).Write"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_disk_backend_commit_duration_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*store).Write",
			"go.etcd.io/etcd/server/v3/storage/backend.(*batchTx).LockInsideApply",
			"go.etcd.io/etcd/server/v3/storage/backend.(*backend).run",
		},
		EN: Text{
			Note: "waited for the store's write lock",
			What: "A write transaction, of whatever kind, first takes the lock of the backend (bbolt, the file that holds all keys). Only one may write at a time. The lock is also held while the backend commits: it does so every 100 ms, or after 10,000 writes.",
			How:  "Our store calls the real one and stamps before and after Write: both edges are exact.",
			Slow: "A commit under way: bbolt writes changed pages and calls fdatasync while it holds the lock. A large compaction takes the lock again and again, too.",
			Do:   "See etcd_disk_backend_commit_duration_seconds. A faster disk shortens it; --backend-batch-interval trades rarer commits for longer ones.",
		},
		ZH: Text{
			Note: "等存储的写锁",
			What: "任何写事务都要先拿到后端的锁（后端是 bbolt，存放所有 key 的文件），同一时刻只能有一个在写。后端提交时也占着这把锁：每 100 ms 一次，或每 10,000 次写入一次。",
			How:  "我们的 store 转调真正的那个，在 Write 前后打点：两端都精确。",
			Slow: "正赶上提交：bbolt 持锁写出改动的页并调用 fdatasync。大的 compaction 也会反复占用这把锁。",
			Do:   "看 etcd_disk_backend_commit_duration_seconds。磁盘快就短；调大 --backend-batch-interval 提交会变少，但每次更久。",
		},
	},
	{
		Stage: MVCCPut, Name: "mvcc.put", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*storeTxnWrite).Put"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_mvcc_put_total",
		Next: []string{
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*storeTxnWrite).put",
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*treeIndex).Put",
			"go.etcd.io/etcd/server/v3/storage/backend.(*batchTxBuffered).UnsafeSeqPut",
		},
		EN: Text{
			Note: "a new version of the key was written",
			What: "The store never overwrites. The new version goes into the backend under its revision, and a tree in memory notes which revision is now the key's latest. The key is attached to its lease, or taken off the old one.",
			How:  "Our transaction calls the real one and stamps before and after Put: both edges are exact. In a transaction with several Puts it spans from the first to the last.",
			Slow: "Large values; very many keys, which make both trees deep and the memory cold.",
			Do:   "Keep values small, compact regularly, and watch etcd_mvcc_db_total_size_in_bytes.",
		},
		ZH: Text{
			Note: "写入 key 的一个新版本",
			What: "存储从不覆盖旧值：新版本以版本号为键写进后端，内存里的一棵树记下这个 key 现在最新的是哪个版本号。同时把 key 挂到租约上，或从旧租约上摘下。",
			How:  "我们的事务转调真正的那个，在 Put 前后打点：两端都精确。事务里有多个 Put 时，从第一个画到最后一个。",
			Slow: "value 大；key 极多，两棵树变深，内存访问变慢。",
			Do:   "value 要小，定期 compaction，关注 etcd_mvcc_db_total_size_in_bytes。",
		},
	},
	{
		Stage: MVCCDeleteRange, Name: "mvcc.deleteRange", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*storeTxnWrite).DeleteRange"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_mvcc_delete_total",
		Next: []string{
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*storeTxnWrite).deleteRange",
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*treeIndex).Tombstone",
		},
		EN: Text{
			Note: "tombstones were written for the keys",
			What: "For each key of the range the store writes a tombstone, which is a version that says \"deleted\". The space is free again only after a compaction.",
			How:  "Our transaction calls the real one and stamps before and after DeleteRange: both edges are exact. In a transaction with several it spans from the first to the last.",
			Slow: "The number of keys: each one is a write to the backend and a change to the index.",
			Do:   "Delete large ranges in pieces, then compact. To give space back to the file system: etcdctl defrag.",
		},
		ZH: Text{
			Note: "给这些 key 写下墓碑",
			What: "对范围里的每个 key，存储写入一个墓碑，即一个写着“已删除”的版本。空间要到 compaction 之后才能再用。",
			How:  "我们的事务转调真正的那个，在 DeleteRange 前后打点：两端都精确。事务里有多个时，从第一个画到最后一个。",
			Slow: "key 的个数：每个都是一次后端写入加一次索引修改。",
			Do:   "大范围分几次删，之后做 compaction。要把空间还给文件系统，用 etcdctl defrag。",
		},
	},
	{
		Stage: MVCCEnd, Name: "mvcc.end", Parent: TxnPut, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/mvcc", "(*storeTxnWrite).End"},
		Seam:     "server/seam/kv.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_disk_backend_commit_duration_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*watchableStoreTxnWrite).End",
			"go.etcd.io/etcd/server/v3/storage/mvcc.(*storeTxnWrite).End",
			"go.etcd.io/etcd/server/v3/storage/backend.(*batchTxBuffered).Unlock",
		},
		EN: Text{
			Note: "the change became visible to readers",
			What: "The end of a write transaction of any kind: watchers of the keys are told, the store's revision goes up by one, the change is copied to where readers look, and the locks are released. The keys are in the backend's memory now; its file follows with the next commit, which is safe since the WAL has them.",
			How:  "Our transaction calls the real one and stamps before and after End: both edges are exact.",
			Slow: "If 10,000 writes are due, or something was removed from the backend, End commits it there and then, fsync included. Very many watchers of the same key slow it down as well.",
			Do:   "See etcd_disk_backend_commit_duration_seconds; a faster disk helps. In etcd, a gRPC proxy (etcd grpc-proxy) joins watchers of the same key into one.",
		},
		ZH: Text{
			Note: "改动对读者可见",
			What: "任何写事务都在这里收尾：通知关注这些 key 的 watcher，存储的版本号加一，把改动复制到读者能看到的地方，放开锁。此时 key 还只在后端的内存里，文件要等下次提交；这是安全的，因为 WAL 里已经有了。",
			How:  "我们的事务转调真正的那个，在 End 前后打点：两端都精确。",
			Slow: "攒够 10,000 次写入，或者从后端删除过东西，End 就会当场提交，包括 fsync。关注同一个 key 的 watcher 太多也会拖慢它。",
			Do:   "看 etcd_disk_backend_commit_duration_seconds，换更快的磁盘。在 etcd 里，可以用 gRPC 代理（etcd grpc-proxy）把关注同一个 key 的 watcher 合并成一个。",
		},
	},
}
