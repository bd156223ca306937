package main

import (
	"fmt"
	"strings"
	"testing"
)

func timeline(duration int, rows string) string {
	return fmt.Sprintf(`{"trace_id":"t","duration_ns":%d,"explained_ns":80,"explained":0.8,
		"stages":[{"stage":"grpc.handleStream","begin_ns":5,"end_ns":95},{"stage":"wal.sync","begin_ns":10,"end_ns":90}],"ledger":[%s]}`, duration, rows)
}

func row(stage string, begin, end int) string {
	return fmt.Sprintf(`{"stage":%q,"begin_ns":%d,"end_ns":%d}`, stage, begin, end)
}

// A ledger that tiles its request passes.
func TestJudgeAccepts(t *testing.T) {
	v, err := judge([]byte(timeline(100, row("unexplained", 0, 10)+","+row("wal.sync", 10, 90)+","+row("unexplained", 90, 100))))
	if err != nil || len(v.violations) > 0 || v.explained != 0.8 || v.duration != 100 {
		t.Errorf("got %+v, %v", v, err)
	}
}

// A timeline that the client made up alone does not count as explained.
func TestJudgeMissesTheServer(t *testing.T) {
	v, err := judge([]byte(`{"trace_id":"t","stages":[{"stage":"client.send"}]}`))
	if err != nil || len(v.violations) != 1 {
		t.Errorf("got %+v, %v", v, err)
	}
}

// Every way not to tile it is found.
func TestJudgeFinds(t *testing.T) {
	for want, rows := range map[string]string{
		"gap of 5 ns":            row("unexplained", 0, 5) + "," + row("wal.sync", 10, 90) + "," + row("unexplained", 90, 100),
		"overlaps":               row("unexplained", 0, 15) + "," + row("wal.sync", 10, 90) + "," + row("unexplained", 90, 100),
		"row unexplained of -10": row("unexplained", 0, -10) + "," + row("wal.sync", 10, 90) + "," + row("unexplained", 90, 100),
		"names no stage":         row("unexplained", 0, 10) + "," + row("wal.save", 10, 90) + "," + row("unexplained", 90, 100),
		"rows end at 90 ns":      row("unexplained", 0, 10) + "," + row("wal.sync", 10, 90),
		"rows explain 90 ns":     row("unexplained", 0, 10) + "," + row("wal.sync", 10, 100),
	} {
		v, err := judge([]byte(timeline(100, rows)))
		if err != nil {
			t.Fatal(err)
		}
		if all := strings.Join(v.violations, "\n"); !strings.Contains(all, want) {
			t.Errorf("%s: found %q", want, all)
		}
	}
}
