package stages

// peerStages lists the other members' part in a write.
var peerStages = []Spec{
	{
		Stage: RaftReplicate, Name: "raft.replicate", Parent: ProcessOnce, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp", "(*Transport).Send"},
		Absent:   Pair{EN: "one member: there is nobody to send to", ZH: "只有一个成员：没有别人可发"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_network_peer_round_trip_time_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp.(*Transport).Send",
			"go.etcd.io/raft/v3.(*raft).bcastAppend",
		},
		EN: Text{
			Note: "the entries went to the other members",
			What: "The leader sends new entries to its followers while it writes its own disk; both go on at the same time. It is enough that a majority has them, so one slow member among three holds nobody up.",
			How:  "Not at all at present: GlassKV runs a single member, which has nobody to send to.",
			Slow: "The round trip between the members, and the fsync of the faster followers.",
			Do:   "Watch etcd_network_peer_round_trip_time_seconds. Keep the members close together, or accept that each write costs a trip to the nearest majority.",
		},
		ZH: Text{
			Note: "条目发往其他成员",
			What: "leader 把新条目发给 follower，同时写自己的盘，两件事并行。只要多数成员有了就行，所以三个成员里有一个慢，谁也不耽误。",
			How:  "目前看不到：GlassKV 只有一个成员，没有别人可发。",
			Slow: "成员之间的网络往返，以及较快的那些 follower 的 fsync。",
			Do:   "关注 etcd_network_peer_round_trip_time_seconds。成员尽量放得近；放得远，每次写入就要付一趟往返的代价。",
		},
	},
	{
		Stage: PeerSend, Name: "peer.send", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp", "(*peer).send"},
		Absent:   Pair{EN: "one member: there is nobody to send to", ZH: "只有一个成员：没有别人可发"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_network_peer_sent_failures_total",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp.(*peer).send",
			"go.etcd.io/etcd/server/v3/etcdserver/api/rafthttp.(*streamWriter).run",
		},
		EN: Text{
			Note: "the message left for one of the members",
			What: "Each member has a queue of its own, emptied onto a long-lived HTTP stream. Sending never waits: a message that finds the queue full is dropped, and raft repeats it later.",
			How:  "Not at all at present: GlassKV runs a single member, which has nobody to send to.",
			Slow: "A slow or broken link, behind which the queue grows.",
			Do:   "Failures in etcd_network_peer_sent_failures_total, or \"sending buffer is full\" in the log, mean that the link or the member behind it cannot keep up.",
		},
		ZH: Text{
			Note: "消息发给某一个成员",
			What: "每个成员有自己的队列，由一条长连接的 HTTP 流往外送。发送从不等待：队列满了就丢掉消息，raft 之后会重发。",
			How:  "目前看不到：GlassKV 只有一个成员，没有别人可发。",
			Slow: "链路慢或中断，队列就越排越长。",
			Do:   "如果 etcd_network_peer_sent_failures_total 在涨，或日志里出现 sending buffer is full，说明链路或对面的成员跟不上了。",
		},
	},
	{
		Stage: PeerAppend, Name: "peer.append", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindDisk,
		Upstream: Symbol{"go.etcd.io/raft/v3", "go.etcd.io/raft/v3", "(*raft).handleAppendEntries"},
		Absent:   Pair{EN: "one member: there is nobody else to append", ZH: "只有一个成员：没有别人要追加日志"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_disk_wal_fsync_duration_seconds",
		Next: []string{
			"go.etcd.io/raft/v3.(*raft).handleAppendEntries",
			"go.etcd.io/etcd/server/v3/etcdserver.(*raftNode).start",
		},
		EN: Text{
			Note: "a follower wrote the entries to its own log",
			What: "The follower checks that the entries fit its log without a gap, appends them, and saves them with an fsync of its own. It answers only after that, since its answer counts as a copy on disk.",
			How:  "Not at all at present: GlassKV runs a single member.",
			Slow: "The follower's disk, and its raft loop if it is busy with other work.",
			Do:   "Compare etcd_disk_wal_fsync_duration_seconds of all members. Give them all disks of the same kind: any of them may be leader tomorrow.",
		},
		ZH: Text{
			Note: "follower 把条目写进自己的日志",
			What: "follower 先检查条目能不能和自己的日志接上，然后追加，并用自己的 fsync 存盘。存完才答复，因为它的答复代表“我这里已落盘一份”。",
			How:  "目前看不到：GlassKV 只有一个成员。",
			Slow: "follower 的磁盘；还有它的 raft 循环，如果正忙着别的事。",
			Do:   "对比各成员的 etcd_disk_wal_fsync_duration_seconds。所有成员用同一档次的磁盘：明天谁都可能当 leader。",
		},
	},
	{
		Stage: PeerAck, Name: "peer.ack", Parent: RaftReplicate, Scope: ScopePeer, Kind: KindNetwork,
		Upstream: Symbol{"go.etcd.io/raft/v3", "go.etcd.io/raft/v3", "(*raft).Step"},
		Absent:   Pair{EN: "one member: there is nobody else to acknowledge", ZH: "只有一个成员：没有别人来确认"},
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "etcd_network_peer_round_trip_time_seconds",
		Next: []string{
			"go.etcd.io/raft/v3.stepLeader",
			"go.etcd.io/raft/v3/tracker.(*Progress).MaybeUpdate",
		},
		EN: Text{
			Note: "the follower's answer came back and was counted",
			What: "The follower's answer says up to which index its log is on disk. The leader notes it in the follower's progress and counts whether a majority has been reached.",
			How:  "Not at all at present: GlassKV runs a single member.",
			Slow: "The way back across the network, and the queue for the leader's raft goroutine.",
			Do:   "As with raft.replicate: round trips and disks. A leader that is short of processors counts late.",
		},
		ZH: Text{
			Note: "follower 的答复回来并计入票数",
			What: "follower 的答复说明它的日志已经落盘到哪个索引。leader 把它记到该 follower 的进度里，再数一数够不够多数。",
			How:  "目前看不到：GlassKV 只有一个成员。",
			Slow: "回程的网络，以及在 leader 的 raft goroutine 前排队。",
			Do:   "同 raft.replicate：看往返时间和磁盘。leader 处理器不够用时，票也会数得晚。",
		},
	},
}
