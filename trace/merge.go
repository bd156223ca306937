package trace

import (
	"cmp"
	"slices"

	"glasskv/trace/stages"
)

// Origin is the start of a request on a clock that other processes of the same
// machine share.
type Origin struct {
	BootID      string `json:"boot_id"`            // empty: the clock is this process's own
	MonotonicNS int64  `json:"begin_monotonic_ns"` // CLOCK_MONOTONIC
}

// Alignment says where the server's times lie in the client's.
type Alignment struct {
	Exact   bool  // both were read from one clock
	ShiftNS int64 // how long after the client's part the server's part began; 0 if not exact
}

// Align compares when the two halves of one request began.
func Align(client, server Origin) Alignment {
	if client.BootID == "" || client.BootID != server.BootID {
		return Alignment{}
	}
	return Alignment{Exact: true, ShiftNS: server.MonotonicNS - client.MonotonicNS}
}

// nodeClient is the node of the client's own stages.
const nodeClient = "client"

// Merge returns the client's timeline with the server's stages in it, and with the two
// ways over the network between them: net.request and net.reply. Neither argument is
// changed; server may be nil, and then the client's wait stays unexplained.
//
// When the two clocks are not known to be one, the server's time is put in the middle of
// the client's wait, and the edges of the ways are inferred.
func Merge(client, server *Timeline, at Alignment) *Timeline {
	m := Join(client, server, at)
	SortStages(m.Stages)
	FillLedger(m)
	return m
}

// Join is Merge without the ledger, and without sorting the stages: for callers that add
// more to the result.
func Join(client, server *Timeline, at Alignment) *Timeline {
	m := *client
	m.Observer = ObserverClient
	m.Parts = slices.Clone(client.Parts)
	m.Stages = make([]StageTime, 0, len(client.Stages)+8)
	for _, st := range client.Stages {
		if st.Part == 0 && st.Span == (Link{}) {
			switch st.Stage {
			case stages.NetRequest.String(), stages.NetReply.String():
				continue // the client knows only one end of each
			}
			st.Node = cmp.Or(st.Node, nodeClient)
		}
		m.Stages = append(m.Stages, st)
	}
	if server == nil {
		m.NotReached = []NotReached{{stages.OperateHeaders.String(), WhyNotSeen}}
		return &m
	}
	m.takeServer(server)
	w := waitOf(client)
	shift := at.ShiftNS
	if !at.Exact {
		shift = w.sent + (w.received-w.sent-server.DurationNS)/2
	}
	m.TakeParts(server, 0, shift)
	for _, st := range server.Stages {
		st.BeginNS, st.EndNS = st.BeginNS+shift, st.EndNS+shift
		if st.Part > 0 {
			st.Part += len(client.Parts)
		} else if st.Open && st.Scope == stages.ScopeConn { // it went on, as far as the client saw
			st.EndNS = max(st.BeginNS, client.DurationNS)
		}
		m.Stages = append(m.Stages, st)
	}
	w.addWays(&m, server, shift, at.Exact)
	return &m
}

// takeServer replaces fields of the client's timeline by the server's if the server knows
// them better.
func (t *Timeline) takeServer(server *Timeline) {
	t.Connection, t.ConnSpan = server.Connection, server.ConnSpan
	t.Attributes, t.NotReached = server.Attributes, server.NotReached
	t.BytesIn, t.BytesOut = server.BytesIn, server.BytesOut
	t.Problems = append(slices.Clone(t.Problems), server.Problems...)
	t.Method = cmp.Or(t.Method, server.Method)
	if t.Code == "" {
		t.Code, t.Message = server.Code, server.Message
	}
}

// wait is the time that the client waited for the server, in nanoseconds from the start
// of the client's part.
type wait struct {
	sent     int64 // when its last write returned
	received int64 // when the read that brought the reply returned, or the call's end
	replied  bool  // whether there was a reply
}

func waitOf(client *Timeline) wait {
	w := wait{received: client.DurationNS}
	if st := client.Find(stages.ClientSend); st != nil {
		w.sent = st.EndNS
	}
	if st := client.Find(stages.NetRequest); st != nil {
		w.sent = st.BeginNS
	}
	if st := client.Find(stages.ClientRecv); st != nil {
		w.received, w.replied = st.BeginNS, true
	}
	if st := client.Find(stages.NetReply); st != nil && !st.Open {
		w.received, w.replied = st.EndNS, true
	}
	w.received = max(w.sent, w.received)
	return w
}

// addWays adds net.request and net.reply to m. On one machine the server may be at work
// before the system call that woke it has returned to the client: the way is empty then.
func (w wait) addWays(m *Timeline, server *Timeline, shift int64, exact bool) {
	edge := stages.Exact
	if !exact {
		edge = stages.Inferred
	}
	consumed := shift
	if st := server.Find(stages.OperateHeaders); st != nil {
		consumed += st.BeginNS
	}
	m.Stages = append(m.Stages, StageTime{
		Stage: stages.NetRequest.String(), Scope: stages.ScopeRequest,
		BeginNS: min(w.sent, consumed), EndNS: consumed, BeginEdge: stages.Exact, EndEdge: edge,
	})
	flush := server.Find(stages.Flush)
	if !w.replied || flush == nil || flush.Open {
		return
	}
	m.Stages = append(m.Stages, StageTime{
		Stage: stages.NetReply.String(), Scope: stages.ScopeRequest,
		BeginNS: min(flush.EndNS+shift, w.received), EndNS: w.received, BeginEdge: edge, EndEdge: stages.Exact,
	})
}
