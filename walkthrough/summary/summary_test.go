package summary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/timelinetest"
)

// puts makes n Puts whose fsync gets slower from one to the next.
func puts(t *testing.T, n int) (out []*trace.Timeline) {
	t.Helper()
	for i := range n {
		sync := 300 + i
		text := fmt.Sprintf(`
request /etcdserverpb.KV/Put OK %dus conn=1 key=k
grpc.handleStream 0us %dus
v3rpc.Put 5us %dus
etcdserver.raftRequest 6us %dus in=v3rpc.Put
etcdserver.processInternalRaftRequestOnce 7us %dus
raft.propose 10us 30us
wal.save 30us %dus shared=%d
wal.sync 35us %dus shared=%d
apply.entry %dus %dus
grpc.flush %dus %dus
grpc.serveStreams -1s 2s open
`, sync+90, sync+70, sync+65, sync+64, sync+62, sync+40, i%5+1, sync+38, i%5+1, sync+42, sync+58, sync+70, sync+90)
		tl, err := timelinetest.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, tl)
	}
	return out
}

func TestSharesAddUpToTheWhole(t *testing.T) {
	s := Summarize(puts(t, 300))
	sum, waited := 0.0, int64(0)
	for _, r := range s.Stages {
		sum, waited = sum+r.Share, waited+r.Waited
	}
	if math.Abs(sum-1) > 1e-9 || waited != s.Total.Waited {
		t.Errorf("shares add up to %v, the waits to %d of %d", sum, waited, s.Total.Waited)
	}
}

func TestPercentilesAreThoseOfTheStage(t *testing.T) {
	s := Summarize(puts(t, 300))
	for _, r := range s.Stages {
		if r.Stage != stages.WALSync.String() {
			continue
		}
		if r.Count != 300 || r.Max != 602_000 {
			t.Errorf("count %d, max %d", r.Count, r.Max)
		}
		// 303 … 602 µs, evenly: three digits of a histogram are exact to 0.1 %.
		if math.Abs(float64(r.P50)-452_500) > 1500 || math.Abs(float64(r.P99)-599_500) > 1500 {
			t.Errorf("p50 %d, p99 %d", r.P50, r.P99)
		}
		if r.SharedBy != 3 {
			t.Errorf("shared by %v", r.SharedBy)
		}
		return
	}
	t.Error("no wal.sync in the summary")
}

func TestAStageThatHasNotEndedHasNoDuration(t *testing.T) {
	for _, r := range Summarize(puts(t, 3)).Stages {
		if r.Stage == stages.ServeStreams.String() {
			t.Errorf("%+v", r)
		}
	}
}

func TestNothingToSumUp(t *testing.T) {
	var out bytes.Buffer
	s := Summarize(nil)
	if err := Table(&out, s, screen.Options{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "0 requests") {
		t.Error(out.String())
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	var out bytes.Buffer
	if err := WriteJSON(&out, Summarize(puts(t, 10))); err != nil {
		t.Fatal(err)
	}
	var last Row
	for line := range strings.Lines(out.String()) {
		last = Row{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if last.Stage == "" || last.Count == 0 || last.P50 > last.Max {
			t.Errorf("%+v", last)
		}
	}
	if last.Stage != "total" || last.Share != 1 {
		t.Errorf("the last line is %+v", last)
	}
}

func TestTable(t *testing.T) {
	s := Summarize(puts(t, 300))
	datadriven.RunTest(t, "testdata/table", func(t *testing.T, d *datadriven.TestData) string {
		var o screen.Options
		d.ScanArgs(t, "width", &o.Width)
		language := ""
		d.ScanArgs(t, "lang", &language)
		o.Lang = lang.Lang(language)
		var out bytes.Buffer
		if err := Table(&out, s, o); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if got := screen.Width(strings.TrimSuffix(line, "\n")); got > o.Width {
				t.Errorf("a line is %d columns wide: %s", got, line)
			}
		}
		return out.String()
	})
}
