package stages

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
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).run",
			"go.etcd.io/raft/v3.Ready",
		},
		EN: Text{
			Note: "the raft loop first served apply and the peers",
			What: "One goroutine, the raft loop, takes each Ready. Before it writes the new entries to the log, it hands the entries that are already committed to the apply goroutine and the messages to the transport. A new entry stands in line for that long.",
			How:  "From the call that takes the Ready to the call of Save, both stamped on the raft loop's own goroutine; the Ready itself was received less than a microsecond before.",
			Slow: "The hand-over is a channel without a buffer: the loop waits until the goroutine behind it takes the batch and queues it for apply, which is quick unless processors are short. An apply that lags behind does not hold the loop up; its batches queue (apply.schedule).",
			Do:   "Usually some microseconds, and nothing to do. If it grows, so will grpc.startHandler and wait.trigger: look for a CPU limit, and give the server more processors.",
		},
		ZH: Text{
			Note: "raft 循环先照顾 apply 和其他成员",
			What: "每个 Ready 都由同一个 goroutine（raft 循环）处理。写入新条目之前，它要先把已经提交的条目交给 apply，把消息交给传输层；新条目这段时间只能排队。",
			How:  "从接手 Ready 的调用，到调用 Save 为止，两端都在 raft 循环自己的 goroutine 上打点；真正收到 Ready 比起点早不到 1 微秒。",
			Slow: "移交用的 channel 没有缓冲：循环要等对面的 goroutine 接过这一批、排进 apply 的队列，只要处理器够用，很快就好。apply 落后并不会拖住循环，批次会在队列里等（见 apply.schedule）。",
			Do:   "通常只有几微秒，不必处理。如果变长，grpc.startHandler 和 wait.trigger 也会跟着变长：检查 CPU 上限，给服务端更多处理器。",
		},
	},
}
