package trace

// whyNot says of the stages that one would expect and that are missing, why. A
// client cannot know that of the server's.
func whyNot(r *Record, t *Timeline) []NotReached {
	if r.Has(MarkClient) {
		return nil
	}
	var out []NotReached
	not := func(s Stage, why string) { out = append(out, NotReached{s.String(), why}) }
	if t.Connection.Reused {
		not(NetAccept, WhyReused)
		not(HandleRawConn, WhyReused)
		not(ServeStreams, WhyReused)
	}
	switch entered := t.Stage(HandleStream.String()) != nil; {
	case t.Stage(StartHandler.String()) == nil:
		not(HandleStream, WhyBeforeTap)
	case r.Has(MarkBegun):
	case entered:
		not(ProcessRPC, whyNoRPC(t.Method))
	case whyNoRPC(t.Method) == WhyMalformed:
		// It answers such a request before it does anything that can be seen.
		not(HandleStream, WhyNotSeen)
		not(ProcessRPC, WhyMalformed)
	}
	return append(out, whyNoProposal(r, t)...)
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
	if begin, _ := r.Stamps(Flush); begin == 0 {
		out = append(out, NotReached{Flush.String(), WhyNoReply})
	}
	return out
}
