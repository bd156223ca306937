package stages

// applyStages lists the way from the committed entry to the waiting handler.
// What a change does to the store stands in txnStages and mvccStages.
var applyStages = []Spec{
	{
		Stage: ApplyWait, Name: "apply.wait", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).run"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_server_proposals_applied_total",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).run",
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).applyAll",
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).applyEntries",
		},
		EN: Text{
			Note: "committed, and waiting for its turn to take effect",
			What: "Committed entries take effect (are applied) strictly one by one, in the order of the log, on one goroutine. The entry waits first until that goroutine comes to its batch (apply.schedule), then for the entries before it in the batch (apply.queue).",
			How:  "From the raft loop's receipt of the Ready with the committed entry, stamped about 1 µs late (near), to the moment when applying this entry begins (exact). The attribute glasskv.apply.behind counts the entries before it in the batch.",
			Slow: "Large changes ahead of it, a backend commit, or a compaction, which all run on the same goroutine.",
			Do:   "The gap between etcd_server_proposals_committed_total and etcd_server_proposals_applied_total should stay near zero. If it grows, look for large transactions and slow backend commits.",
		},
		ZH: Text{
			Note: "已提交，等着轮到自己生效",
			What: "已提交的条目按日志顺序、由一个 goroutine 严格地逐个 apply（让改动生效）。条目先要等那个 goroutine 轮到自己这一批（apply.schedule），再等批里排在前面的条目（apply.queue）。",
			How:  "起点是 raft 循环收到含有这个已提交条目的 Ready（约晚 1 µs，近似），终点是开始 apply 这个条目（精确）。属性 glasskv.apply.behind 是同批里排在前面的条目数。",
			Slow: "前面有大改动、后端正在提交，或者 compaction：它们都在同一个 goroutine 上。",
			Do:   "etcd_server_proposals_committed_total 与 etcd_server_proposals_applied_total 的差应当接近零。如果在拉大，查一查大事务和缓慢的后端提交。",
		},
	},
	{
		Stage: ApplySchedule, Name: "apply.schedule", Parent: ApplyWait, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/pkg/v3", "go.etcd.io/etcd/pkg/v3/schedule", "(*fifo).run"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Exact, 0},
		Metric: "",
		Next: []string{
			"go.etcd.io/etcd/pkg/v3/schedule.(*fifo).Schedule",
			"go.etcd.io/etcd/pkg/v3/schedule.(*fifo).run",
		},
		EN: Text{
			Note: "its batch waited for the apply goroutine",
			What: "The committed entries of one Ready are one job. A first-in-first-out scheduler runs the jobs one after another on its goroutine, so a batch starts when the batch before it is done, its snapshot (if one was due) included.",
			How:  "From the raft loop's receipt of the Ready, stamped about 1 µs late (near), to the start of the job (exact).",
			Slow: "The batch before: many or large changes, a snapshot every --snapshot-count entries, or the fsync of its own Ready, for which it waits at its end. On an idle server it is only the wake-up of the goroutine.",
			Do:   "Look at the requests just before this one: glasskv timeline --last 20.",
		},
		ZH: Text{
			Note: "这一批在等 apply 的 goroutine",
			What: "一个 Ready 里的已提交条目是一个任务。先进先出的调度器在自己的 goroutine 上逐个执行任务，所以上一批做完（包括到期的快照）才轮到这一批。",
			How:  "从 raft 循环收到 Ready（约晚 1 µs，近似），到任务开始执行（精确）。",
			Slow: "上一批：改动多或大，每 --snapshot-count 个条目一次的快照，或者它在结尾要等自己那个 Ready 的 fsync。服务端空闲时只剩唤醒 goroutine 的时间。",
			Do:   "看看紧挨着它之前的请求：glasskv timeline --last 20。",
		},
	},
	{
		Stage: ApplyQueue, Name: "apply.queue", Parent: ApplyWait, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).apply"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).apply",
		},
		EN: Text{
			Note: "entries before it in the same batch came first",
			What: "Writes that shared an fsync are committed together and applied in a row. The last of them waits for all the others.",
			How:  "From the start of the batch's job to the moment when applying this entry begins; both edges are exact.",
			Slow: "Its place in the batch: a Put takes tens of microseconds, a large transaction much longer, and everybody behind waits.",
			Do:   "Split large transactions. Otherwise this is the price of sharing one fsync, and a good trade.",
		},
		ZH: Text{
			Note: "同一批里排在前面的条目先来",
			What: "共用一次 fsync 的写入会一起提交，再挨个 apply。排在最后的要等前面所有的。",
			How:  "从这一批的任务开始，到开始 apply 这个条目；两端都精确。",
			Slow: "取决于在批里的位置：一个 Put 要几十微秒，大事务要久得多，后面的都得等。",
			Do:   "拆小大事务。除此之外，这是共用一次 fsync 的代价，很划算。",
		},
	},
	{
		Stage: ApplyEntry, Name: "apply.entry", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*EtcdServer).applyEntryNormal"},
		Seam:     "server/seam/apply.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Near, 1000},
		Metric: "etcd_server_apply_duration_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).applyEntryNormal",
			"go.etcd.io/etcd/server/v3/etcdserver/apply.Apply",
			"go.etcd.io/etcd/server/v3/etcdserver/apply.(*uberApplier).dispatch",
		},
		EN: Text{
			Note: "the change took effect on this member",
			What: "applyEntryNormal decodes the entry, finds out whether somebody here waits for its result, carries it out on the store, and hands the result over. Every member does the same with the same entries in the same order, which is why their stores stay alike.",
			How:  "The server calls it through a seam, with a stamp before the call: exact. It ends where it hands the result over, the last thing that it does, about 1 µs before it returns: near. The request ID in the entry says whose it is.",
			Slow: "The change itself (see the rows inside), and the commit of the backend that it may set off.",
			Do:   "etcd logs \"apply request took too long\" beyond 100 ms. Look there for the kind of request, then at mvcc.begin and mvcc.end here.",
		},
		ZH: Text{
			Note: "改动在这个成员上生效",
			What: "applyEntryNormal 解码条目，看本机有没有人在等它的结果，在存储上执行改动，再把结果交出去。每个成员都按同样的顺序对同样的条目做同样的事，所以各成员的存储始终一致。",
			How:  "服务端经由接缝调用它，调用前打一个点，精确；终点是它交出结果的时刻，这是它做的最后一件事，比返回约早 1 µs，近似。凭条目里的请求 ID 知道它属于谁。",
			Slow: "改动本身（看里面的各行），以及它可能引发的后端提交。",
			Do:   "超过 100 ms 时 etcd 会记一条日志 apply request took too long。先从那里看是什么请求，再看这里的 mvcc.begin 和 mvcc.end。",
		},
	},
	{
		Stage: WaitTrigger, Name: "wait.trigger", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/pkg/v3", "go.etcd.io/etcd/pkg/v3/wait", "(*list).Trigger"},
		Seam:     "server/seam/wait.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Near, 1000},
		Metric: "",
		Next: []string{
			"go.etcd.io/etcd/pkg/v3/wait.(*list).Trigger",
			"go.etcd.io/etcd/pkg/v3/wait.(*list).Register",
		},
		EN: Text{
			Note: "the result woke the handler that waited for it",
			What: "A small table joins the two goroutines: the handler has left a channel there under the request's ID, and apply sends the result into it. Then Go's scheduler decides when the handler goes on.",
			How:  "From the call of Trigger on the apply goroutine, which is exact, to the return of processInternalRaftRequestOnce on the handler's, about 1 µs after it woke: near.",
			Slow: "No processor is free; when a batch of 30 is applied, 30 handlers want to go on at the same time.",
			Do:   "More processors, or a look at the CPU limit. Some tens of microseconds under load are normal.",
		},
		ZH: Text{
			Note: "结果叫醒了等它的 handler",
			What: "一张小表把两个 goroutine 连起来：handler 用请求 ID 在表里留了一个 channel，apply 把结果发进去。之后 handler 什么时候继续跑，由 Go 调度器决定。",
			How:  "起点是 apply 的 goroutine 调用 Trigger，精确；终点是 handler 的 goroutine 从 processInternalRaftRequestOnce 返回，比醒来约晚 1 µs，近似。",
			Slow: "没有空闲的处理器：一批 30 个 apply 完，就有 30 个 handler 同时要继续跑。",
			Do:   "增加处理器，或检查 CPU 上限。负载高时几十微秒是正常的。",
		},
	},
}
