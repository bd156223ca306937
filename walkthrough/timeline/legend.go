package timeline

import (
	"cmp"
	"slices"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// signs notes which signs a picture used: the legend explains no others.
type signs struct {
	small, thin, near, inferred, ended bool
	short                              string // "×12 shared by 12"
}

func (s *signs) see(r *row) {
	s.near = s.near || r.sign == signNear
	s.inferred = s.inferred || r.sign == signInferred
	s.thin = s.thin || len(r.under) > 0
}

// legend explains the signs that were used.
func (p *picture) legend() {
	say := p.lang.Pick
	items := []string{say("● the reply waited here", "● 请求在这里等待")}
	if p.foreign {
		items[0] = say("● the time was spent here", "● 时间花在这里")
	}
	if p.used.small {
		items = append(items, say("• less than 1 %", "• 不到 1 %"))
	}
	if p.used.thin {
		items = append(items, say("─ under way, the wait was elsewhere", "─ 进行中，但等待发生在别处"))
	}
	if p.used.near {
		items = append(items, say("≈ edge near", "≈ 边界略有误差"))
	}
	if p.used.inferred {
		items = append(items, say("~ edge inferred", "~ 边界为推算"))
	}
	if p.used.short != "" {
		items = append(items, p.used.short)
	}
	if p.used.ended {
		items = append(items, say("┊ the wait ended", "┊ 等待到此结束"))
	}
	for _, l := range fill3(items, p.width) {
		p.out.Line(screen.Dim.Paint(l))
	}
}

// fill3 joins items with wide gaps into lines that fit.
func fill3(items []string, width int) []string {
	var lines []string
	line := ""
	for _, item := range items {
		switch {
		case line == "":
			line = item
		case screen.Width(line)+3+screen.Width(item) <= width:
			line += "   " + item
		default:
			lines, line = append(lines, line), item
		}
	}
	return append(lines, line)
}

// spent is how much of the wait was of one kind.
type spent struct {
	kind stages.Kind
	ns   int64
}

// spentOn adds up what the time was spent on, the largest part first. It is nil
// for a stream, whose handler mostly sleeps, which no kind of time says, and for
// spans of another program, whose kinds are not known.
func (p *picture) spentOn() (parts []spent) {
	if p.t.Streaming() {
		return nil
	}
	for name, ns := range p.t.Waited() {
		if name == trace.Unexplained {
			continue // it has a row of its own
		}
		stage, known := stages.ByName(name)
		if !known {
			return nil
		}
		kind := stages.SpecOf(stage).Kind
		if i := slices.IndexFunc(parts, func(x spent) bool { return x.kind == kind }); i >= 0 {
			parts[i].ns += ns
		} else {
			parts = append(parts, spent{kind, ns})
		}
	}
	slices.SortFunc(parts, func(a, b spent) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.kind, b.kind)) })
	return parts
}

// kinds writes what the time was spent on. It is the legend of the colours and,
// without colours, the shortest summary of the request.
func (p *picture) kinds() {
	const gap = "  "
	line, width := "", 0
	for _, x := range p.spentOn() {
		text := p.lang.Kind(x.kind) + " " + screen.Percent(p.shareOf(x.ns))
		if width += screen.Width("■ " + text); width > p.width {
			p.out.Line(line)
			line, width = "", screen.Width("■ "+text)
		}
		line += screen.RoleOf(x.kind).Paint("■") + " " + text + gap
		width += len(gap)
	}
	if line != "" {
		p.out.Line(line)
	}
}
