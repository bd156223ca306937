package page

import (
	"testing"

	"glasskv/walkthrough/timeline"
)

func TestALabelStandsWhereItCanBeRead(t *testing.T) {
	const text = "slow-fsync"
	for _, c := range []struct {
		name       string
		begin, end int64
		want       label
	}{
		{"an early bar", 0, 10, label{"10.00%", "6", "start", text, false}},
		{"a late bar", 90, 100, label{"90.00%", "-6", "end", text, false}},
		{"a bar with no room beside it", 15, 99, label{"15.00%", "6", "start", text, true}},
		{"a bar in the middle, with little room on either side", 30, 70, label{"30.00%", "6", "start", text, true}},
	} {
		row := &timeline.Row{Under: []timeline.Interval{{Begin: c.begin, End: c.end}}}
		if got := (scale{0, 100}).label(row, text); got == nil || *got != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	if got := (scale{0, 100}).label(&timeline.Row{}, ""); got != nil {
		t.Errorf("no text: %+v", got)
	}
}
