package trace

// readyStages lists what the raft loop does with a Ready before it saves it.
var readyStages = []Spec{
	{
		Stage: RaftHandleReady, Name: "raft.handleReady", Parent: ProcessOnce, Scope: ScopeRequest, Kind: KindQueue,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver", "(*raftNode).start"},
		Seam:     "server/seam/ready.go",
		Begin:    EdgeSpec{Near, 1000}, End: EdgeSpec{Exact, 0},
		Metric: "",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver.(*raftNode).start",
			"go.etcd.io/raft/v3.Ready",
		},
		EN: Text{
			Note: "the raft loop first served apply and the peers",
			What: "One goroutine, the raft loop, takes each Ready. Before it writes the new entries to the log, it hands the entries that are already committed to the apply goroutine and the messages to the transport. A new entry stands in line for that long.",
			How:  "From the call that takes the Ready to the call of Save, both stamped on the raft loop's own goroutine; the Ready itself was received less than a microsecond before.",
			Slow: "The hand-over to apply has no buffer: while apply is still busy with an earlier batch, the loop waits here, and with it every new proposal. A large transaction or a slow backend commit does that.",
			Do:   "Look at apply.entry and mvcc.end of the requests around it. Split large transactions; keep watchers and ranges from holding the store.",
		},
		ZH: Text{
			Note: "raft 循环先照顾 apply 和其他成员",
			What: "每个 Ready 都由同一个 goroutine（raft 循环）处理。写入新条目之前，它要先把已经提交的条目交给 apply，把消息交给传输层；新条目这段时间只能排队。",
			How:  "从接手 Ready 的调用，到调用 Save 为止，两端都在 raft 循环自己的 goroutine 上打点；真正收到 Ready 比起点早不到 1 微秒。",
			Slow: "交给 apply 的通道没有缓冲：apply 还在忙上一批时，循环就卡在这里，所有新提案跟着一起等。大事务或一次缓慢的后端提交都会造成这种情况。",
			Do:   "看看前后请求的 apply.entry 和 mvcc.end。把大事务拆小，避免 watch 和大范围读取长时间占住存储。",
		},
	},
}
