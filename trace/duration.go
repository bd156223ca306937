package trace

import "time"

// Duration returns how long the request took, as its timeline shows it; while
// it is under way, how long it has taken so far.
func (r *Record) Duration() time.Duration { return time.Duration(max(0, r.over()-r.begin)) }

// TraceID returns the request's trace ID, 32 hexadecimal digits.
func (r *Record) TraceID() string { return r.traceID.String() }

// over returns the stamp that ends the request: the moment when its reply left,
// if it did. What completes a record may come a little later.
func (r *Record) over() int64 {
	last := Flush
	switch marks := Mark(r.marks.Load()); {
	case marks&MarkClient != 0:
		last = ClientRecv
	case marks&MarkHTTP != 0:
		last = HTTPFlush
	}
	if _, end := r.Stamps(last); end != 0 {
		return end
	}
	if end := r.end.Load(); end != 0 {
		return end
	}
	return Now()
}
