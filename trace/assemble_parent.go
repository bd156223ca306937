package trace

// passes returns the first stage of a group that was stamped; None if none was.
func (a *assembly) passes(first, last Stage) Stage {
	for s := first; s <= last; s++ {
		if begin, _ := a.r.Stamps(s); begin != 0 {
			return s
		}
	}
	return None
}

// parent finds the stage that a stage lies in: the nearest one above it that the
// request has passed. A compaction, for one, does not pass raftRequest, and where
// net/http serves the connection a TLS handshake does not lie in handleRawConn.
func (a *assembly) parent(spec *Spec) Stage { return a.nearest(a.declared(spec.Parent)) }

// nearest returns the stage, or else the nearest one above it that the request
// has passed.
func (a *assembly) nearest(s Stage) Stage {
	for s != None && !a.passed[s] && (SpecOf(s).Scope == ScopeRequest || SpecOf(s).Scope == ScopeConn) {
		s = a.declared(SpecOf(s).Parent)
	}
	return s
}

// declared puts the stage that the request passed in the place of its group.
func (a *assembly) declared(parent Stage) Stage {
	switch {
	case parent == GRPCHandler && a.handler != None:
		return a.handler
	case parent == TxnPut && a.change != None:
		return a.change
	}
	return parent
}
