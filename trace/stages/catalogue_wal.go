package stages

// walStages lists what makes a batch of entries survive a power failure.
var walStages = []Spec{
	{
		Stage: WALSave, Name: "wal.save", Parent: ProcessOnce, Scope: ScopeBatch, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/wal", "(*WAL).Save"},
		Seam:     "server/seam/storage.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_disk_wal_write_duration_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/storage/wal.(*WAL).Save",
			"go.etcd.io/etcd/server/v3/storage/wal.(*encoder).encode",
			"go.etcd.io/etcd/server/v3/storage/wal.(*WAL).cut",
		},
		EN: Text{
			Note: "the batch was written to the log on disk",
			What: "The write-ahead log (WAL) is the promise: what stands in it survives a crash, and everything else can be made again from it. Save encodes the entries of one Ready, each with a checksum, writes them, and ends with one fdatasync. All requests of the batch share this one save.",
			How:  "Our storage calls the real one and stamps before and after Save, on the raft loop's goroutine: both edges are exact. \"Shared by N\" counts the requests whose entries were in it.",
			Slow: "Nearly always the fdatasync inside. Now and then a new file: when one has grown beyond 64 MB the log is cut, and that costs three syncs instead of one.",
			Do:   "Give the log a disk of its own, or at least one without busy neighbours (in etcd, --wal-dir). Compare with wal.sync inside: if that is the smaller part, the batch was large or processors were short.",
		},
		ZH: Text{
			Note: "这一批条目写进磁盘上的日志",
			What: "预写日志（WAL）就是承诺：写进去的东西能扛过崩溃，其余一切都能由它重建。Save 把一个 Ready 里的条目逐个编码、加上校验和，写出去，最后调用一次 fdatasync。这一批的所有请求共用这一次存盘。",
			How:  "我们的 storage 转调真正的那个，在 raft 循环的 goroutine 上于 Save 前后打点：两端都精确。“N 个请求共用”数的是条目在这一批里的请求。",
			Slow: "几乎总是里面的 fdatasync。偶尔要换文件：一个文件超过 64 MB 就切换到新的，这时要同步三次而不是一次。",
			Do:   "给日志单独一块盘，至少别和繁忙的程序共用（etcd 用 --wal-dir）。对照里面的 wal.sync：如果它只占小头，那就是这一批太大，或处理器不够用。",
		},
	},
	{
		Stage: WALSync, Name: "wal.sync", Parent: WALSave, Scope: ScopeBatch, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/storage/wal", "(*WAL).sync"},
		Seam:     "server/seam/storage.go",
		Begin:    EdgeSpec{Near, 2000}, End: EdgeSpec{Near, 2000},
		Metric: "etcd_disk_wal_fsync_duration_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/storage/wal.(*WAL).sync",
			"go.etcd.io/etcd/client/pkg/v3/fileutil.Fdatasync",
			"go.etcd.io/raft/v3.MustSync",
		},
		EN: Text{
			Note: "one fdatasync made the batch safe on disk",
			What: "A write only reaches the kernel's memory. fdatasync waits until the disk itself says that the bytes are safe, and only then may the server tell a client that its write succeeded. One call serves the whole batch, so twelve writes need not cost more than one.",
			How:  "The WAL measures each fdatasync for its own histogram; the histogram's sum before and after Save gives the length exactly. Its place is the end of Save, which is near (2 µs). If Save synced more than once (a new file, or a second server in the process), the place is marked as inferred.",
			Slow: "The disk. With protection against power loss its cache answers within tens to hundreds of microseconds; without, each call goes down to the flash and takes a millisecond and more; a spinning disk takes about ten. Neighbours on the same disk add to it.",
			Do:   "Measure the bare disk: fio --name=wal --rw=write --ioengine=sync --fdatasync=1 --bs=2300 --size=22m --directory=DIR. etcd asks for a 99th percentile below 10 ms. More writers at a time share one fsync.",
		},
		ZH: Text{
			Note: "一次 fdatasync，让整批数据安全落盘",
			What: "write 只是把数据交到内核的内存里。fdatasync 会一直等到磁盘自己说“安全了”，服务端这才能答复客户端写入成功。一次调用管整批，所以十二个写入不一定比一个贵。",
			How:  "WAL 会为自己的直方图测量每次 fdatasync，取 Save 前后直方图总和之差，长度是准确的。位置在 Save 的末尾，近似（2 µs）。如果 Save 里同步了不止一次（换文件，或同一进程里还有别的服务端），位置标为“推断”。",
			Slow: "磁盘。带掉电保护的盘由缓存应答，几十到几百微秒；不带的每次都要真正写到闪存，一毫秒以上；机械盘约十毫秒。同一块盘上的邻居还会雪上加霜。",
			Do:   "直接测磁盘：fio --name=wal --rw=write --ioengine=sync --fdatasync=1 --bs=2300 --size=22m --directory=DIR。etcd 要求 p99 低于 10 ms。同时写的客户端越多，每次 fsync 的代价就分摊得越薄。",
		},
	},
}
