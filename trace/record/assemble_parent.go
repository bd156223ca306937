package record

import "glasskv/trace/stages"

// passes returns the first stage of a group that was stamped; None if none was.
func (a *assembly) passes(first, last stages.Stage) stages.Stage {
	for s := first; s <= last; s++ {
		if begin, _ := a.r.Stamps(s); begin != 0 {
			return s
		}
	}
	return stages.None
}

// parent finds the stage that a stage lies in: the nearest one above it that the
// request has passed. A compaction, for one, does not pass raftRequest, and where
// net/http serves the connection a TLS handshake does not lie in handleRawConn.
func (a *assembly) parent(spec *stages.Spec) stages.Stage { return a.nearest(a.declared(spec.Parent)) }

// nearest returns the stage, or else the nearest one above it that the request
// has passed.
func (a *assembly) nearest(s stages.Stage) stages.Stage {
	for s != stages.None && !a.passed[s] && (stages.SpecOf(s).Scope == stages.ScopeRequest || stages.SpecOf(s).Scope == stages.ScopeConn) {
		s = a.declared(stages.SpecOf(s).Parent)
	}
	return s
}

// declared puts the stage that the request passed in the place of its group.
func (a *assembly) declared(parent stages.Stage) stages.Stage {
	switch {
	case parent == stages.GRPCHandler && a.handler != stages.None:
		return a.handler
	case parent == stages.TxnPut && a.change != stages.None:
		return a.change
	}
	return parent
}
