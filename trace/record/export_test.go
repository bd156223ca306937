package record

// QueueLimit returns how many records may wait for the outlet.
func (rc *Recorder) QueueLimit() int { return rc.limit.queue }

// SpanLimit returns how many spans one call of Outlet.Flush may send.
func (rc *Recorder) SpanLimit() int { return rc.limit.batch }

// CountInHistograms does for the histograms what the worker does with r.
func (rc *Recorder) CountInHistograms(r *Record) { rc.hist.count(r) }
