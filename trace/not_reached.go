package trace

// whyNot says of the stages that one would expect and that are missing, why. A
// client cannot know that of the server's.
func whyNot(r *Record, t *Timeline) []NotReached {
	switch {
	case r.Has(MarkClient):
		return nil
	case r.Has(MarkConnection):
		return []NotReached{{OperateHeaders.String(), WhyNoRequest}}
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
func whyNotHTTP(t *Timeline) (out []NotReached) {
	if t.Connection.Reused {
		out = append(out, NotReached{NetAccept.String(), WhyReused}, NotReached{HTTPConn.String(), WhyReused})
	}
	return append(out, NotReached{HandleRawConn.String(), WhyHTTP}, NotReached{ServeStreams.String(), WhyHTTP})
}

func whyNoConnection(r *Record, t *Timeline) (out []NotReached) {
	not := func(s Stage, why string) { out = append(out, NotReached{s.String(), why}) }
	why := WhyReused
	switch {
	case r.Has(MarkInProcess):
		why = WhyInProcess
		not(NetAccept, why)
	case r.Has(MarkServeHTTP):
		why = WhyServeHTTP
		if t.Connection.Reused {
			not(NetAccept, WhyReused)
		}
	case t.Connection.Reused:
		not(NetAccept, why)
	default:
		return nil
	}
	not(HandleRawConn, why)
	not(ServeStreams, why)
	return out
}

func whyNoHandler(r *Record, t *Timeline) (out []NotReached) {
	not := func(s Stage, why string) { out = append(out, NotReached{s.String(), why}) }
	switch entered := t.Stage(HandleStream.String()) != nil; {
	case r.Has(MarkServeHTTP) && !entered:
		// Neither the tap nor operateHeaders is on its way.
		if !r.Has(MarkBegun) {
			not(ProcessRPC, whyNoRPC(t.Method))
		}
	case !r.Has(MarkServeHTTP) && t.Stage(StartHandler.String()) == nil:
		not(HandleStream, WhyBeforeTap)
	case r.Has(MarkBegun):
	case entered:
		not(ProcessRPC, whyNoRPC(t.Method))
	case whyNoRPC(t.Method) == WhyMalformed:
		// It answers such a request before it does anything that can be seen.
		not(HandleStream, WhyNotSeen)
		not(ProcessRPC, WhyMalformed)
	}
	return out
}

func whyNoRPC(method string) string {
	if len(method) == 0 || method[0] != '/' {
		return WhyMalformed
	}
	for i := len(method) - 1; i > 0; i-- {
		if method[i] == '/' {
			return WhyUnknown
		}
	}
	return WhyMalformed
}

func whyNoProposal(r *Record, t *Timeline) (out []NotReached) {
	if begin, _ := r.Stamps(V3Range); begin != 0 && t.Stage(ReadIndex.String()) == nil {
		out = append(out, NotReached{ReadIndex.String(), WhySerializable})
	}
	if begin, _ := r.Stamps(RaftRequest); begin != 0 && t.Stage(RaftPropose.String()) == nil {
		out = append(out, NotReached{RaftPropose.String(), WhyRefused})
	}
	if begin, _ := r.Stamps(Flush); begin == 0 && !r.Has(MarkInProcess) && !r.Has(MarkServeHTTP) {
		out = append(out, NotReached{Flush.String(), WhyNoReply})
	}
	return out
}
