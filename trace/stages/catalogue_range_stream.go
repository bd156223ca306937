package stages

// rangeStreamStages lists the reading of a range in chunks.
var rangeStreamStages = []Spec{
	{
		Stage: V3RangeStream, Name: "v3rpc.RangeStream", Parent: Interceptors, Scope: ScopeRequest, Kind: KindWork,
		Upstream: Symbol{"go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc", "(*kvServer).RangeStream"},
		Seam:     "server/seam/interceptor.go",
		Begin:    EdgeSpec{Exact, 0}, End: EdgeSpec{Exact, 0},
		Metric: "grpc_server_handling_seconds",
		Next: []string{
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).RangeStream",
			"go.etcd.io/etcd/server/v3/etcdserver.(*EtcdServer).rangeStream",
			"go.etcd.io/etcd/server/v3/etcdserver.adjustChunkLimit",
		},
		EN: Text{
			Note: "a range was read and sent in chunks",
			What: "The handler of KV.RangeStream, new in etcd 3.7. It makes sure once that it sees every acknowledged write, then reads a chunk, sends it, and reads the next at the same revision. Neither the server nor gRPC ever holds the whole range.",
			How:  "The innermost interceptor stamps before and after the handler: both edges are exact. Each chunk has rows of its own inside.",
			Slow: "The number of keys; a client that reads slowly, which makes sending a chunk wait; a chunk that is far too small because the keys before it were large.",
			Do:   "Ask for the keys alone where the values are not needed. A compaction that overtakes the reading ends it: begin again at a newer revision.",
		},
		ZH: Text{
			Note: "一个范围被分块读出、分块发送",
			What: "KV.RangeStream 的 handler，etcd 3.7 新增。先确认一次能看到所有已得到答复的写入，然后读一块、发一块，再在同一个版本号上读下一块。服务端和 gRPC 都不必把整个范围装进内存。",
			How:  "最里层的拦截器在 handler 前后打点：两端都精确。每一块在里面各有几行。",
			Slow: "key 的个数；客户端读得慢，发送就得等；前面的 key 很大，后面的块就会偏小。",
			Do:   "不需要 value 就只要 key。读到一半被 compaction 赶上就会中断：换个较新的版本号重来。",
		},
	},
}
