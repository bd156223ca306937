package lesson

import (
	"context"
	"errors"
	"fmt"

	"glasskv/trace"
)

// result puts the server's parts to what the client saw.
func (r *round) result(ctx context.Context) (*Result, error) {
	var whole, server []*trace.Timeline
	for _, s := range r.shots {
		part, err := r.p.record(ctx, s.seen.TraceID())
		if err != nil {
			return nil, err
		}
		whole, server = append(whole, s.seen.JoinRecord(part)), append(server, part.Timeline())
	}
	if len(whole) == 0 {
		return nil, errors.New("no request was made")
	}
	out := newResult(whole)
	out.Server = newResult(server)
	out.Elapsed = float64(r.ended.Sub(r.began))
	out.Value = r.shots[len(r.shots)-1].value
	if r.watching != nil {
		r.watching.tell(out)
	}
	return out, nil
}

// record returns the server's record of a request. Those of a step are looked up
// together, for there may be thousands.
func (p *player) record(ctx context.Context, traceID string) (*trace.Record, error) {
	if r := p.records[traceID]; r != nil {
		return r, nil
	}
	r, err := p.live.Recorder().WaitFor(ctx, traceID)
	if err != nil {
		return nil, fmt.Errorf("the server's part: %w", err)
	}
	clear(p.records)
	for _, r := range p.live.Recorder().Last(maxCount) {
		p.records[r.TraceID()] = r
	}
	return r, nil
}
