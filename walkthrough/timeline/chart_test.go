package timeline

import (
	"testing"

	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/timelinetest"
)

const charted = `request /etcdserverpb.KV/Put OK 1ms observer=client conn=1 new key=greeting
net.accept -300us -280us
grpc.handleRawConn -280us -100us
net.request 20us 84us
grpc.handleStream 200us 900us
raft.propose 300us 396us
wal.save 400us 710us shared=12
wal.sync 402us 704us shared=12
`

func TestAChartHasTheOutlinesRows(t *testing.T) {
	told, err := timelinetest.Parse(charted)
	if err != nil {
		t.Fatal(err)
	}
	c, outline := ChartOf(told, lang.EN), Outline(told)
	if len(c.Sections) != 2 || c.Sections[0].Begin != -300_000 || c.Sections[1].Begin != 0 {
		t.Fatalf("sections: %+v", c.Sections)
	}
	next := 0
	for _, s := range c.Sections {
		for _, r := range s.Rows {
			if r.Unexplained {
				continue
			}
			if r.Entry != next || r.Name != outline[next].Times[0].Stage {
				t.Errorf("row %d is %s, of entry %d", next, r.Name, r.Entry)
			}
			next++
		}
	}
	if next != len(outline) {
		t.Errorf("%d rows for %d entries", next, len(outline))
	}
}

func TestAChartSaysWhatTheTerminalSays(t *testing.T) {
	told, err := timelinetest.Parse(charted + "not codec.decode not seen\n")
	if err != nil {
		t.Fatal(err)
	}
	c := ChartOf(told, lang.ZH)
	rows := c.Sections[1].Rows
	last, sync := rows[len(rows)-1], rows[len(rows)-2]
	if sync.Stage != stages.WALSync || sync.Depth == 0 || sync.Share != "30.2 %" || len(sync.Labels) != 1 || len(sync.Waits) != 1 {
		t.Errorf("wal.sync: %+v", sync)
	}
	if !last.Unexplained || last.Entry != -1 || last.Share == "" {
		t.Errorf("unexplained: %+v", last)
	}
	if c.Title != "PUT greeting" || c.Outcome != "OK" || c.Verdict.Sentence == "" || len(c.Kinds) == 0 {
		t.Errorf("headline: %+v", c.Headline)
	}
	if len(c.Remarks) != 1 || c.Remarks[0].Text != "没有观察到：没有 codec.decode" {
		t.Errorf("remarks: %+v", c.Remarks)
	}
}
