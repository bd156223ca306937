package trace

// Duration returns how long the request took, in nanoseconds, as its timeline
// shows it; while it is under way, how long it has taken so far.
func (r *Record) Duration() int64 { return max(0, r.over()-r.begin) }

// Began returns the stamp of the request's begin.
func (r *Record) Began() int64 { return r.begin }

// TraceID returns the request's trace ID, 32 hexadecimal digits.
func (r *Record) TraceID() string { return r.traceID.String() }

// over returns the stamp that ends the request: the moment when its reply left,
// if it did. What completes a record may come a little later.
func (r *Record) over() int64 {
	last := Flush
	if r.Has(MarkClient) {
		last = ClientRecv
	}
	if _, end := r.Stamps(last); end != 0 {
		return end
	}
	if end := r.end.Load(); end != 0 {
		return end
	}
	return Now()
}
