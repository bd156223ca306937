package hold

import (
	"glasskv/server/control"
)

// Hold implements control.Holder. The goroutines, raft and the queues are looked at
// now; the timeline is that of the moment at which the request was held.
func (h *Holds) Hold(id int) (*control.Report, error) {
	h.mu.Lock()
	one, err := h.find(id)
	if err != nil {
		h.mu.Unlock()
		return nil, err
	}
	report := &control.Report{Hold: h.describe(one), Timeline: one.timeline}
	h.mu.Unlock()

	report.Goroutines = stacks(one.goroutine)
	report.WAL, report.Raft = h.around.LastSaved(), h.around.Raft()
	report.Queues = h.around.Queues(report.Raft.Commit)
	stats := h.rec.Stats()
	report.Queues.Requests, report.Queues.RecordsLeft = stats.Live, stats.Finished-min(stats.Finished, stats.Seen)
	return report, nil
}
