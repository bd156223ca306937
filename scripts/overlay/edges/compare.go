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

// exactNS bounds the median difference, in nanoseconds, of an edge that the catalogue
// calls exact.
const exactNS = 200

// edge is one edge of a stage.
type edge struct {
	stage stages.Stage
	end   bool
	// truths returns the true moments that the edge is compared with, one for each
	// request or connection, in their order.
	truths func() []int64
}

var edges = []edge{
	{stages.HandleRawConn, false, entries(truth.HandleRawConn)},
	{stages.HandleRawConn, true, exits(truth.HandleRawConn)},
	{stages.NewHTTP2Transport, false, entries(truth.NewHTTP2Transport)},
	{stages.NewHTTP2Transport, true, exits(truth.NewHTTP2Transport)},
	{stages.ServeStreams, false, entries(truth.ServeStreams)},
	{stages.ServeStreams, true, exits(truth.ServeStreams)},
	{stages.OperateHeaders, false, entries(truth.OperateHeaders)},
	{stages.OperateHeaders, true, exits(truth.OperateHeaders)},
	{stages.StartHandler, true, entries(truth.HandleStream)},
	{stages.HandleStream, false, entries(truth.HandleStream)},
	{stages.HandleStream, true, exits(truth.HandleStream)},
	{stages.ProcessRPC, false, entries(truth.ProcessRPC)},
	{stages.ProcessRPC, true, exits(truth.ProcessRPC)},
	{stages.RecvMsg, false, entries(truth.RecvMsg)},
	{stages.RecvMsg, true, exits(truth.RecvMsg)},
	{stages.CodecDecode, false, entries(truth.Unmarshal)},
	{stages.CodecDecode, true, exits(truth.Unmarshal)},
	{stages.SendMsg, false, entries(truth.SendMsg)},
	{stages.SendMsg, true, exits(truth.SendMsg)},
	{stages.CodecEncode, false, entries(truth.Marshal)},
	{stages.CodecEncode, true, exits(truth.Marshal)},
	{stages.WriteStatus, false, entries(truth.WriteStatus)},
	{stages.WriteStatus, true, exits(truth.WriteStatus)},
	{stages.Flush, false, exits(truth.WriteStatus)},
	{stages.Flush, true, flushTimes},
}

// entries returns a function for edge.truths: when the calls of p were entered.
func entries(p truth.Point) func() []int64 {
	return func() (stamps []int64) {
		for _, call := range truth.Calls(p) {
			stamps = append(stamps, call.Enter)
		}
		return stamps
	}
}

// exits returns a function for edge.truths: when the calls of p were left.
func exits(p truth.Point) func() []int64 {
	return func() (stamps []int64) {
		for _, call := range truth.Calls(p) {
			stamps = append(stamps, call.Exit)
		}
		return stamps
	}
}

// flushTimes returns, for each frame that ends a stream, the time at which the buffer
// that contained the frame had been written.
func flushTimes() (stamps []int64) {
	flushes := truth.Calls(truth.FlushBuffer)
	for _, trailers := range truth.Calls(truth.Trailers) {
		at := sort.Search(len(flushes), func(i int) bool { return flushes[i].Exit > trailers.Enter })
		if at < len(flushes) {
			stamps = append(stamps, flushes[at].Exit)
		}
	}
	return stamps
}

// compare prints the difference for every edge. It returns an error if an exact edge
// is off by more than exactNS.
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

// String returns the stage's name with "begin" or "end".
func (e edge) String() string {
	if e.end {
		return e.stage.String() + " end"
	}
	return e.stage.String() + " begin"
}

// called returns what the catalogue calls the edge.
func (e edge) called() stages.Edge {
	if e.end {
		return stages.SpecOf(e.stage).End.Edge
	}
	return stages.SpecOf(e.stage).Begin.Edge
}

// differences returns our stamps less the true moments, in nanoseconds. It leaves out
// the first tenth, in which everything happens for the first time.
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

// stamps returns our stamps, one for each request or, for a stage of connections, one
// for each connection.
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

// middle returns the median.
func middle(values []int64) int64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// distance returns the q-quantile of the values' absolute values.
func distance(values []int64, q float64) int64 {
	var far []int64
	for _, v := range values {
		far = append(far, max(v, -v))
	}
	slices.Sort(far)
	return far[min(len(far)-1, int(q*float64(len(far))))]
}
