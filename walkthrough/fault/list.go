package fault

import (
	"io"
	"strconv"
	"strings"
	"time"

	"glasskv/server/control"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// The columns in front of what a fault does.
const (
	markColumns = 2
	nameColumns = 16
)

// List writes faults with what they do, and how those are set that are on.
func List(w io.Writer, all []control.Fault, o screen.Options) error {
	width := o.Columns(w)
	out := screen.NewWriter(w, o)
	on := 0
	for i := range all {
		f := &all[i]
		name := screen.Escape(f.Name)
		blank := screen.Blank(max(1, nameColumns-screen.Width(name)))
		mark, what := screen.Blank(markColumns), screen.Escape(o.Lang.Pick(f.EN, f.ZH))
		if f.On {
			on++
			mark, name = screen.Held.Paint("■ "), screen.Held.Paint(name)
		}
		lines := screen.Wrap(what, width-markColumns-nameColumns)
		if f.On {
			lines = append(lines, screen.Wrap(setting(o.Lang, f), width-markColumns-nameColumns)...)
		}
		for at, line := range lines {
			if at == 0 {
				out.Line(mark, name, blank, line)
				continue
			}
			out.Line(screen.Blank(markColumns+nameColumns), line)
		}
	}
	if len(all) > 0 {
		out.Line()
	}
	for _, line := range screen.Wrap(summary(o.Lang, on), width) {
		out.Line(line)
	}
	return out.Close()
}

// setting says how a fault is set, and what it has done.
func setting(l lang.Lang, f *control.Fault) string {
	parts := []string{l.Pick("ON", "已打开")}
	if f.Delay != "" {
		parts = append(parts, l.Say("delay %s", "延迟 %s", screen.Escape(f.Delay)))
	}
	if f.Probability != 0 && f.Probability != 1 {
		parts = append(parts, l.Say("probability %s", "概率 %s", strconv.FormatFloat(f.Probability, 'g', -1, 64)))
	}
	for _, counted := range []struct {
		n      int
		en, zh string
	}{
		{f.Streams, "%d at once", "同时 %d 个"},
		{f.Bytes, "%d bytes", "%d 字节"},
		{f.Goroutines, "%d goroutines", "%d 个 goroutine"},
	} {
		if counted.n != 0 {
			parts = append(parts, l.Say(counted.en, counted.zh, counted.n))
		}
	}
	if f.Struck > 0 && f.Goroutines == 0 { // who computes all the time strikes all the time
		parts = append(parts, l.Say("struck so far: %d", "至今 %d 次", f.Struck))
	}
	if until, err := time.Parse(time.RFC3339, f.Until); err == nil {
		parts = append(parts, l.Say("until %s", "到 %s 为止", until.Local().Format(time.TimeOnly)))
	}
	return strings.Join(parts, " · ")
}

// summary says what can be done next.
func summary(l lang.Lang, on int) string {
	if on == 0 {
		return l.Pick("No fault is on. Switch one on: glasskv fault set slow-fsync --delay 50ms",
			"没有打开的故障。打开一个：glasskv fault set slow-fsync --delay 50ms")
	}
	return l.Pick("Switch it off: glasskv fault clear --all", "关闭：glasskv fault clear --all")
}
