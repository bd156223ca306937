package command

import (
	"cmp"
	"fmt"
	"slices"

	"glasskv/trace"
	"glasskv/trace/otlp"
	"glasskv/walkthrough/screen"
)

// read gets the requests out of a file, and says on the side what is wrong with
// it.
func (o *TimelineOptions) read() ([]*trace.Timeline, error) {
	file, err := o.open()
	if err != nil {
		return nil, err
	}
	for _, problem := range file.Problems {
		if _, err := fmt.Fprintf(o.Err, "%s: %s\n", screen.Escape(o.Target), screen.Escape(problem)); err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
	}
	return o.choose(file.Timelines), nil
}

func (o *TimelineOptions) open() (*otlp.File, error) {
	if o.Target == "-" {
		return otlp.Read(o.In)
	}
	return otlp.ReadFile(o.Target)
}

// choose takes the last or the slowest of a file's requests; all of them unless
// asked for.
func (o *TimelineOptions) choose(all []*trace.Timeline) []*trace.Timeline {
	switch {
	case o.Last > 0:
		return all[max(0, len(all)-o.Last):]
	case o.Slowest > 0:
		slowest := slices.Clone(all)
		slices.SortStableFunc(slowest, func(a, b *trace.Timeline) int { return cmp.Compare(b.DurationNS, a.DurationNS) })
		return slowest[:min(o.Slowest, len(slowest))]
	}
	return all
}
