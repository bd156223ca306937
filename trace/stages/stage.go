package stages

// Stage is one stage of a request's path. The constants are in the order of the path,
// parents before their children. If two stages are under way at the same moment, the
// higher constant says more precisely where the request is: the ledger relies on that.
type Stage uint8

// The stages. Each one is described by its Spec in the catalogue.
const (
	None Stage = iota // no stage; the parent of those at the top

	HTTPReadRequest
	HTTPHandler
	GatewayDecode
	GatewayCall

	ClientDial
	ClientSend
	NetRequest

	CmuxMatch
	AcceptBackoff
	NetAccept
	HandleRawConn
	TLSHandshake
	NewHTTP2Transport
	ServeStreams
	HTTPConn

	OperateHeaders
	StartHandler
	ServeHTTP
	HandleStream
	ProcessRPC
	RecvMsg
	CodecDecode
	Interceptors
	V3Lock
	V3Unlock
	V3Campaign
	V3Proclaim
	V3Leader
	V3Observe
	V3Resign
	V3Watch
	V3LeaseKeepAlive
	V3LeaseTimeToLive
	V3LeaseLeases
	V3MemberList
	V3Status
	V3Alarm
	V3Hash
	V3HashKV
	V3Defragment
	V3Snapshot
	V3Auth
	V3Put
	V3Range
	V3RangeStream
	V3DeleteRange
	V3Txn
	V3Compact
	V3LeaseGrant
	V3LeaseRevoke
	GRPCHandler

	WatchCreate
	WatchWait
	WatchNotify
	WatchSend
	LeaseWaitApplied
	LeaseLookup
	LeaseRenew
	BackendHash
	MVCCHashKV
	BackendDefrag
	BackendSnapshot

	RaftRequest
	ProcessOnce
	RaftPropose
	RaftWaitReady
	RaftHandleReady
	RaftReplicate
	PeerSend
	PeerAppend
	PeerAck
	WALSave
	WALSync
	RaftCommit
	ApplyWait
	ApplySchedule
	ApplyQueue
	ApplyEntry
	TxnPut
	TxnDeleteRange
	TxnTxn
	TxnCompact
	ApplyLease
	MVCCBegin
	MVCCPut
	MVCCDeleteRange
	MVCCEnd
	WaitTrigger

	ReadWait
	ReadIndex
	ReadWaitApplied
	ReadRelease
	TxnRange

	SendMsg
	CodecEncode
	WriteStatus
	Flush
	FlowControl

	NetReply
	ClientRecv

	GatewayEncode
	HTTPFlush

	// What somebody put in from outside comes last: while it lasts, it is the reason why
	// nothing else moves.

	Fault
	Hold

	// NumStages is the number of constants above, None included.
	NumStages
)

// FirstConn and LastConn are the first and the last of a connection's stages; all stages
// between them are a connection's too.
const (
	FirstConn = CmuxMatch
	LastConn  = HTTPConn
)

// LastsAsConn reports whether a stage lasts as long as its connection.
func LastsAsConn(s Stage) bool { return s == ServeStreams || s == HTTPConn }

// String returns the stage's span name.
func (s Stage) String() string { return SpecOf(s).Name }

// Scope says whose work a stage is.
type Scope string

// The scopes of the catalogue.
const (
	ScopeConn    Scope = "conn"    // once per connection
	ScopeRequest Scope = "request" // once per request
	ScopeBatch   Scope = "batch"   // shared by the requests of one batch
	ScopePeer    Scope = "peer"    // another member's work
)

// Kind says what a stage's time is spent on.
type Kind string

// The kinds of time.
const (
	KindNone      Kind = ""
	KindWork      Kind = "work"
	KindQueue     Kind = "queue"
	KindDisk      Kind = "disk"
	KindNetwork   Kind = "network"
	KindConsensus Kind = "consensus"
	KindHeld      Kind = "held" // waiting at a breakpoint, or for a fault that somebody switched on
)

// Edge says how exactly it is known when a stage begins or ends.
type Edge string

// The qualities of an edge.
const (
	Exact    Edge = "exact"    // stamped at the edge, or within 0.2 µs of it
	Near     Edge = "near"     // stamped close to the edge; the Spec has the known error
	Inferred Edge = "inferred" // worked out from other stamps
)

// FirstHandler is the first of the handlers' stages; GRPCHandler is the last. A request
// passes one of them, and one of the changes to the store, TxnPut to ApplyLease. Where
// the catalogue names GRPCHandler or TxnPut as a parent, it means the one that the request
// passed.
const FirstHandler = V3Lock

// IsHandler reports whether a stage is the handler of a method.
func IsHandler(s Stage) bool { return FirstHandler <= s && s <= GRPCHandler }

// IsChange reports whether a stage is a change that apply makes to the store.
func IsChange(s Stage) bool { return TxnPut <= s && s <= ApplyLease }
