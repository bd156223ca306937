package timeline

import (
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// between stands between the facts of a line.
const between = " · "

// headline says what was asked, what came of it and who saw it; below it, dim,
// over which connection and under which ID.
func (p *picture) headline() {
	outcome, role := p.outcome()
	took := screen.Duration(p.t.DurationNS)
	if outcome != "" {
		outcome = role.Paint(outcome) + "   "
	}
	room := p.width - screen.Width(outcome) - screen.Width(took) - 3
	title := screen.Middle(verdict.Operation(p.t, p.lang), room)
	line := []string{screen.Strong.Paint(title), "   ", outcome, screen.Strong.Paint(took)}
	used := screen.Width(strings.Join(line, ""))
	facts := p.seen()
	for lead := " "; len(facts) > 0; lead = between {
		if used += screen.Width(lead + facts[0]); used > p.width {
			break
		}
		line, facts = append(line, screen.Dim.Paint(lead+facts[0])), facts[1:]
	}
	p.out.Line(line...)
	p.message()
	for _, l := range p.facts(facts) {
		p.out.Line(screen.Dim.Paint(l))
	}
}

// seen says whose clock it was, and how much of the time is explained.
func (p *picture) seen() []string {
	if p.foreign {
		return nil
	}
	who := p.lang.Pick("as the server saw it", "服务端所见")
	if p.t.Observer == trace.ObserverClient {
		who = p.lang.Pick("as the client saw it", "客户端所见")
	}
	return []string{who, p.lang.Say("%s explained", "%s 已解释", floorPercent(p.t.Explained))}
}

// floorPercent never rounds up: what is not wholly explained is not called so.
func floorPercent(share float64) string {
	const tenth = 0.001
	return screen.Percent(float64(int64(share/tenth+1e-9)) * tenth)
}

// outcome is the reply's code, or what happened instead of a reply.
func (p *picture) outcome() (string, screen.Role) {
	if p.opts.SoFar {
		return p.lang.Pick("under way", "进行中"), screen.Warn
	}
	if words := verdict.Outcome(p.t, p.lang); words != "" {
		return words, screen.Bad
	}
	if p.failedConn() {
		return p.lang.Pick("never carried a request", "从未承载请求"), screen.Bad
	}
	switch p.t.Code {
	case "OK":
		return p.t.Code, screen.Good
	case "":
		if p.foreign {
			return "", screen.Plain
		}
		return p.lang.Pick("no reply", "没有回复"), screen.Warn
	}
	if status := p.t.Attributes[trace.AttrHTTPStatus]; status != "" && status < "400" {
		return screen.Escape(p.t.Code), screen.Good
	}
	return screen.Escape(p.t.Code), screen.Bad
}

// messages counts what a stream received and sent.
func (p *picture) messages() string {
	var in, out int
	for i := range p.t.Stages {
		switch st := &p.t.Stages[i]; {
		case st.Part != 0:
		case st.Stage == stages.CodecDecode.String():
			in += max(1, st.Count)
		case st.Stage == stages.SendMsg.String():
			out += max(1, st.Count)
		}
	}
	return p.lang.Say("messages: %s in, %s out", "消息：收 %s，发 %s", grouped(in), grouped(out))
}

// message shows the error that the client was told.
func (p *picture) message() {
	if p.t.Message == "" {
		return
	}
	for i, l := range screen.Wrap(screen.Escape(p.t.Message), p.width) {
		if i == 4 {
			p.out.Line(screen.Bad.Paint("…"))
			return
		}
		p.out.Line(screen.Bad.Paint(l))
	}
}

// facts are what one may want to know besides. The first ones, the connection
// and the trace are always told, the others as far as their line goes.
func (p *picture) facts(first []string) []string {
	must, may := first, []string(nil)
	if on := p.t.Attributes[trace.AttrFaults]; on != "" {
		must = append(must, p.lang.Say("faults on: %s", "打开的故障：%s", strings.ReplaceAll(screen.Escape(on), ",", ", ")))
	}
	if p.t.Attributes[trace.AttrStreaming] == "true" {
		must = append(must, p.messages())
	}
	if c := p.t.Connection; c.ID != 0 {
		how := p.lang.Pick("new", "新建")
		if c.Reused {
			how = p.lang.Pick("reused", "复用")
		}
		must = append(must, p.lang.Say("connection #%d, %s", "连接 #%d，%s", c.ID, how))
	}
	if p.t.TraceID != "" {
		must = append(must, "trace "+screen.Escape(p.t.TraceID))
	}
	if how := p.t.Attributes[trace.AttrCompression]; how != "" {
		must = append(must, p.lang.Say("compressed with %s", "%s 压缩", screen.Escape(how)))
	}
	if size := p.t.Attributes[trace.AttrValueSize]; size != "" {
		may = append(may, p.lang.Say("value %s", "值 %s", sizeText(size)))
	}
	if revision := p.t.Attributes[trace.AttrRevision]; revision != "" {
		may = append(may, "revision "+screen.Escape(revision))
	}
	if !p.t.Start.IsZero() {
		may = append(may, p.t.Start.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	}
	lines := fill(must, p.width)
	for _, fact := range may {
		if last := len(lines) - 1; last >= 0 && screen.Width(lines[last]+between+fact) <= p.width {
			lines[last] += between + fact
		}
	}
	return lines
}

// sizeText writes an attribute's number of bytes with a unit.
func sizeText(bytes string) string {
	n, err := strconv.ParseInt(bytes, 10, 64)
	if err != nil {
		return screen.Escape(bytes) // of a file that somebody else wrote
	}
	return screen.Bytes(n)
}

// fill joins facts into lines that fit.
func fill(facts []string, width int) (lines []string) {
	line := ""
	for _, f := range facts {
		f = screen.Cut(f, width)
		switch {
		case line == "":
			line = f
		case screen.Width(line+between+f) <= width:
			line += between + f
		default:
			lines, line = append(lines, line), f
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
