package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"sort"
	"text/tabwriter"

	"glasskv/scripts/overlay/truth"
	"glasskv/trace/record"
	"glasskv/trace/stages"
)

// exactNS is how far a median may be off where the catalogue calls an edge
// exact.
const exactNS = 200

// edge is one edge of a stage and what it is compared with.
type edge struct {
	stage stages.Stage
	end   bool
	// truths returns the true moments, one for each request or connection, in
	// their order.
	truths func() []int64
}

var edges = []edge{
	{stages.HandleRawConn, false, entered(truth.HandleRawConn)},
	{stages.HandleRawConn, true, left(truth.HandleRawConn)},
	{stages.NewHTTP2Transport, false, entered(truth.NewHTTP2Transport)},
	{stages.NewHTTP2Transport, true, left(truth.NewHTTP2Transport)},
	{stages.ServeStreams, false, entered(truth.ServeStreams)},
	{stages.ServeStreams, true, left(truth.ServeStreams)},
	{stages.OperateHeaders, false, entered(truth.OperateHeaders)},
	{stages.OperateHeaders, true, left(truth.OperateHeaders)},
	{stages.StartHandler, true, entered(truth.HandleStream)},
	{stages.HandleStream, false, entered(truth.HandleStream)},
	{stages.HandleStream, true, left(truth.HandleStream)},
	{stages.ProcessRPC, false, entered(truth.ProcessRPC)},
	{stages.ProcessRPC, true, left(truth.ProcessRPC)},
	{stages.RecvMsg, false, entered(truth.RecvMsg)},
	{stages.RecvMsg, true, left(truth.RecvMsg)},
	{stages.CodecDecode, false, entered(truth.Unmarshal)},
	{stages.CodecDecode, true, left(truth.Unmarshal)},
	{stages.SendMsg, false, entered(truth.SendMsg)},
	{stages.SendMsg, true, left(truth.SendMsg)},
	{stages.CodecEncode, false, entered(truth.Marshal)},
	{stages.CodecEncode, true, left(truth.Marshal)},
	{stages.WriteStatus, false, entered(truth.WriteStatus)},
	{stages.WriteStatus, true, left(truth.WriteStatus)},
	{stages.Flush, false, left(truth.WriteStatus)},
	{stages.Flush, true, flushed},
}

func entered(p truth.Point) func() []int64 {
	return func() (stamps []int64) {
		for _, call := range truth.Calls(p) {
			stamps = append(stamps, call.Enter)
		}
		return stamps
	}
}

func left(p truth.Point) func() []int64 {
	return func() (stamps []int64) {
		for _, call := range truth.Calls(p) {
			stamps = append(stamps, call.Exit)
		}
		return stamps
	}
}

// flushed finds, for each frame that ends a stream, when the buffer that it was
// put into had been written.
func flushed() (stamps []int64) {
	flushes := truth.Calls(truth.FlushBuffer)
	for _, trailers := range truth.Calls(truth.Trailers) {
		at := sort.Search(len(flushes), func(i int) bool { return flushes[i].Exit > trailers.Enter })
		if at < len(flushes) {
			stamps = append(stamps, flushes[at].Exit)
		}
	}
	return stamps
}

// compare prints the difference for every edge; that an exact one is further off
// than it may be is an error.
func compare(records []*record.Record) error {
	if len(truth.Calls(truth.OperateHeaders)) == 0 {
		return errors.New("this program was built without the overlay: go run ./scripts/overlay")
	}
	if !truth.Complete() {
		return errors.New("more calls than there is room for: use fewer -requests")
	}
	slices.SortFunc(records, func(a, b *record.Record) int { return cmp.Compare(begin(a), begin(b)) })
	fmt.Printf("%d requests, one at a time; a call and a stamp beside each other are %d ns apart\n", len(records), ownCost())
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "edge\tcalled\tsamples\tmedian\tp99 of the distance\t")
	var wrong []error
	for _, e := range edges {
		off, err := e.differences(records)
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
		median, far := middle(off), distance(off, 0.99)
		fmt.Fprintf(out, "%s\t%s\t%d\t%+d ns\t%d ns\t\n", e, e.called(), len(off), median, far)
		if e.called() == stages.Exact && max(median, -median) > exactNS {
			wrong = append(wrong, fmt.Errorf("%s is called exact and is off by %d ns", e, median))
		}
	}
	return errors.Join(append(wrong, out.Flush())...)
}

func begin(r *record.Record) int64 {
	stamp, _ := r.Stamps(stages.OperateHeaders)
	return stamp
}

// String names an edge as the tables do.
func (e edge) String() string {
	if e.end {
		return e.stage.String() + " end"
	}
	return e.stage.String() + " begin"
}

func (e edge) called() stages.Edge {
	if e.end {
		return stages.SpecOf(e.stage).End.Edge
	}
	return stages.SpecOf(e.stage).Begin.Edge
}

// differences subtracts the truth from our stamps, in nanoseconds. The first
// connection is left out: on it everything happens for the first time.
func (e edge) differences(records []*record.Record) ([]int64, error) {
	ours := e.stamps(records)
	truths := e.truths()
	if len(ours) != len(truths) {
		return nil, fmt.Errorf("%d stamps and %d calls", len(ours), len(truths))
	}
	var off []int64
	for i := range ours {
		if ours[i] != 0 {
			off = append(off, ours[i]-truths[i])
		}
	}
	if len(off) == 0 {
		return nil, errors.New("was never stamped")
	}
	return off[len(off)/10:], nil
}

// stamps returns ours, one for each request, or one for each connection.
func (e edge) stamps(records []*record.Record) (stamps []int64) {
	of := func(begin, end int64) int64 {
		if e.end {
			return end
		}
		return begin
	}
	var last *record.Conn
	for _, r := range records {
		switch conn := r.Conn(); {
		case stages.SpecOf(e.stage).Scope != stages.ScopeConn:
			stamps = append(stamps, of(r.Stamps(e.stage)))
		case conn != last:
			stamps = append(stamps, of(conn.Stamps(e.stage)))
			last = conn
		}
	}
	return stamps
}

func middle(values []int64) int64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// distance is the quantile of how far off the values are, whichever way.
func distance(values []int64, q float64) int64 {
	var far []int64
	for _, v := range values {
		far = append(far, max(v, -v))
	}
	slices.Sort(far)
	return far[min(len(far)-1, int(q*float64(len(far))))]
}
