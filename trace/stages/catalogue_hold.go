package stages

// HoldScope says who waits while a request is held where a stage begins.
type HoldScope string

// The scopes of a hold.
const (
	HoldRequest HoldScope = "request" // only the request itself: its own goroutine stands still
	HoldShared  HoldScope = "shared"  // all who need the same goroutine: the raft loop, apply, or the read loop
)

// holdable lists the stages whose begin is a place of ours, on a goroutine that
// may wait. The others are stamped from elsewhere: their edges are inferred, or
// begin inside a function that runs unmodified, or on the goroutine that reads or
// writes a connection and would stop all of its requests.
var holdable = map[Stage]HoldScope{
	ProcessRPC: HoldRequest, RecvMsg: HoldRequest, Interceptors: HoldRequest,

	V3Lock: HoldRequest, V3Unlock: HoldRequest,
	V3Campaign: HoldRequest, V3Proclaim: HoldRequest, V3Leader: HoldRequest, V3Observe: HoldRequest, V3Resign: HoldRequest,
	V3Watch: HoldRequest, V3LeaseKeepAlive: HoldRequest, V3LeaseTimeToLive: HoldRequest, V3LeaseLeases: HoldRequest,
	V3MemberList: HoldRequest, V3Status: HoldRequest, V3Alarm: HoldRequest, V3Hash: HoldRequest, V3HashKV: HoldRequest,
	V3Defragment: HoldRequest, V3Snapshot: HoldRequest, V3Auth: HoldRequest,
	V3Put: HoldRequest, V3Range: HoldRequest, V3RangeStream: HoldRequest, V3DeleteRange: HoldRequest, V3Txn: HoldRequest,
	V3Compact: HoldRequest, V3LeaseGrant: HoldRequest, V3LeaseRevoke: HoldRequest, GRPCHandler: HoldRequest,

	WatchCreate: HoldRequest, WatchSend: HoldRequest,
	LeaseWaitApplied: HoldRequest, LeaseLookup: HoldRequest, LeaseRenew: HoldRequest,
	BackendHash: HoldRequest, MVCCHashKV: HoldRequest, BackendDefrag: HoldRequest, BackendSnapshot: HoldRequest,

	RaftRequest: HoldRequest, ProcessOnce: HoldRequest, RaftPropose: HoldRequest,
	RaftHandleReady: HoldShared, WALSave: HoldShared,
	ApplyEntry: HoldShared, TxnPut: HoldShared, TxnDeleteRange: HoldShared, TxnTxn: HoldShared,
	TxnCompact: HoldShared, ApplyLease: HoldShared,
	MVCCBegin: HoldShared, MVCCPut: HoldShared, MVCCDeleteRange: HoldShared, MVCCEnd: HoldShared,
	WaitTrigger: HoldShared,

	ReadWait: HoldRequest, ReadIndex: HoldShared, ReadWaitApplied: HoldShared, TxnRange: HoldRequest,
	SendMsg: HoldRequest,
}

// NearestHoldable returns the stage that can be held and stands nearest to s on
// the path; of two equally near ones the earlier. It is s itself where that can
// be held.
func NearestHoldable(s Stage) Stage {
	for away := Stage(0); away < NumStages; away++ {
		if away < s && holdable[s-away] != "" {
			return s - away
		}
		if holdable[s+away] != "" {
			return s + away
		}
	}
	return None
}
