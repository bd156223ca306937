package record

import (
	"glasskv/trace"
	"glasskv/trace/stages"
)

// whyNot says of the stages that one would expect and that are missing, why. A
// client cannot know that of the server's.
func whyNot(r *Record, t *trace.Timeline) []trace.NotReached {
	switch {
	case r.Has(MarkClient):
		return nil
	case r.Has(MarkConnection):
		return []trace.NotReached{{Stage: stages.OperateHeaders.String(), Why: trace.WhyNoRequest}}
	case r.Has(MarkHTTP):
		return whyNotHTTP(t)
	}
	out := whyNoConnection(r, t)
	if !r.Has(MarkInProcess) {
		out = append(out, whyNoHandler(r, t)...)
	}
	return append(out, whyNoProposal(r, t)...)
}

// whyNotHTTP is for a request that net/http served: its connection is none of
// grpc-go's.
func whyNotHTTP(t *trace.Timeline) (out []trace.NotReached) {
	if t.Connection.Reused {
		out = append(out, trace.NotReached{Stage: stages.NetAccept.String(), Why: trace.WhyReused}, trace.NotReached{Stage: stages.HTTPConn.String(), Why: trace.WhyReused})
	}
	return append(out, trace.NotReached{Stage: stages.HandleRawConn.String(), Why: trace.WhyHTTP}, trace.NotReached{Stage: stages.ServeStreams.String(), Why: trace.WhyHTTP})
}

func whyNoConnection(r *Record, t *trace.Timeline) (out []trace.NotReached) {
	not := func(s stages.Stage, why string) { out = append(out, trace.NotReached{Stage: s.String(), Why: why}) }
	why := trace.WhyReused
	switch {
	case r.Has(MarkInProcess):
		why = trace.WhyInProcess
		not(stages.NetAccept, why)
	case r.Has(MarkServeHTTP):
		why = trace.WhyServeHTTP
		if t.Connection.Reused {
			not(stages.NetAccept, trace.WhyReused)
		}
	case t.Connection.Reused:
		not(stages.NetAccept, why)
	default:
		return nil
	}
	not(stages.HandleRawConn, why)
	not(stages.ServeStreams, why)
	return out
}

func whyNoHandler(r *Record, t *trace.Timeline) (out []trace.NotReached) {
	not := func(s stages.Stage, why string) { out = append(out, trace.NotReached{Stage: s.String(), Why: why}) }
	switch entered := t.Find(stages.HandleStream) != nil; {
	case r.Has(MarkServeHTTP) && !entered:
		// Neither the tap nor operateHeaders is on its way.
		if !r.Has(MarkBegun) {
			not(stages.ProcessRPC, whyNoRPC(t.Method))
		}
	case !r.Has(MarkServeHTTP) && t.Find(stages.StartHandler) == nil:
		not(stages.HandleStream, trace.WhyBeforeTap)
	case r.Has(MarkBegun):
	case entered:
		not(stages.ProcessRPC, whyNoRPC(t.Method))
	case whyNoRPC(t.Method) == trace.WhyMalformed:
		// It answers such a request before it does anything that can be seen.
		not(stages.HandleStream, trace.WhyNotSeen)
		not(stages.ProcessRPC, trace.WhyMalformed)
	}
	return out
}

func whyNoRPC(method string) string {
	if len(method) == 0 || method[0] != '/' {
		return trace.WhyMalformed
	}
	for i := len(method) - 1; i > 0; i-- {
		if method[i] == '/' {
			return trace.WhyUnknown
		}
	}
	return trace.WhyMalformed
}

func whyNoProposal(r *Record, t *trace.Timeline) (out []trace.NotReached) {
	if begin, _ := r.Stamps(stages.V3Range); begin != 0 && t.Find(stages.ReadIndex) == nil {
		out = append(out, trace.NotReached{Stage: stages.ReadIndex.String(), Why: trace.WhySerializable})
	}
	if begin, _ := r.Stamps(stages.RaftRequest); begin != 0 && t.Find(stages.RaftPropose) == nil {
		out = append(out, trace.NotReached{Stage: stages.RaftPropose.String(), Why: trace.WhyRefused})
	}
	if begin, _ := r.Stamps(stages.Flush); begin == 0 && !r.Has(MarkInProcess) && !r.Has(MarkServeHTTP) {
		out = append(out, trace.NotReached{Stage: stages.Flush.String(), Why: trace.WhyNoReply})
	}
	return out
}
