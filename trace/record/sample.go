package record

import "glasskv/trace"

// sampled reports whether a finished record is to be exported. The client's
// decision counts where there is one, so that a trace is exported whole or not
// at all; else the ratio decides by the trace ID, by the same arithmetic as
// OpenTelemetry's TraceIDRatioBased, so that all who see the ID decide alike.
func (o *Options) sampled(r *Record) bool {
	if o.SlowerThan > 0 && r.Duration() < o.SlowerThan {
		return false
	}
	if r.facts.Remote {
		return r.facts.Sampled
	}
	return inRatio(r.traceID, o.SampleRatio)
}

func inRatio(id trace.ID, ratio float64) bool {
	if ratio >= 1 {
		return true
	}
	return ratio > 0 && id.Lo>>1 < uint64(ratio*(1<<63))
}
