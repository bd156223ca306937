package timeline

import (
	"strconv"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
	"glasskv/walkthrough/verdict"
)

// between separates the facts of a line.
const between = " · "

// headline writes the request in one line: what was asked, the outcome, the duration
// and who observed it. Below it come the error message and the facts.
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

// seen returns who observed the request, and how much of its time is explained; nil
// for a trace of another program.
func (p *picture) seen() []string {
	if p.foreign {
		return nil
	}
	observer := p.lang.Pick("as the server saw it", "服务端所见")
	if p.t.Observer == trace.ObserverClient {
		observer = p.lang.Pick("as the client saw it", "客户端所见")
	}
	return []string{observer, p.lang.Say("%s explained", "%s 已解释", floorPercent(p.t.Explained))}
}

// floorPercent writes a share rounded down, so 100 % means that everything is explained.
func floorPercent(share float64) string {
	const tenth = 0.001
	return screen.Percent(float64(int64(share/tenth+1e-9)) * tenth)
}

// outcome returns the reply's code, or what happened instead of a reply, and its
// colour.
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

// messages returns how many messages a stream received and sent, as text.
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

// maxMessage bounds how many lines of an error message are shown.
const maxMessage = 4

// message writes the error message that the client received, if any.
func (p *picture) message() {
	if p.t.Message == "" {
		return
	}
	for i, l := range screen.Wrap(screen.Escape(p.t.Message), p.width) {
		if i == maxMessage {
			p.out.Line(screen.Bad.Paint("…"))
			return
		}
		p.out.Line(screen.Bad.Paint(l))
	}
}

// facts returns lines of facts about the request, beginning with the first ones. Size,
// revision and time are left out if they do not fit into the last line.
func (p *picture) facts(first []string) []string {
	facts, ifRoom := first, []string(nil)
	if on := p.t.Attributes[trace.AttrFaults]; on != "" {
		facts = append(facts, p.lang.Say("faults on: %s", "打开的故障：%s", strings.ReplaceAll(screen.Escape(on), ",", ", ")))
	}
	if p.t.Attributes[trace.AttrStreaming] == "true" {
		facts = append(facts, p.messages())
	}
	if c := p.t.Connection; c.ID != 0 {
		how := p.lang.Pick("new", "新建")
		if c.Reused {
			how = p.lang.Pick("reused", "复用")
		}
		facts = append(facts, p.lang.Say("connection #%d, %s", "连接 #%d，%s", c.ID, how))
	}
	if p.t.TraceID != "" {
		facts = append(facts, "trace "+screen.Escape(p.t.TraceID))
	}
	if how := p.t.Attributes[trace.AttrCompression]; how != "" {
		facts = append(facts, p.lang.Say("compressed with %s", "%s 压缩", screen.Escape(how)))
	}
	if size := p.t.Attributes[trace.AttrValueSize]; size != "" {
		ifRoom = append(ifRoom, p.lang.Say("value %s", "值 %s", sizeText(size)))
	}
	if revision := p.t.Attributes[trace.AttrRevision]; revision != "" {
		ifRoom = append(ifRoom, "revision "+screen.Escape(revision))
	}
	if !p.t.Start.IsZero() {
		ifRoom = append(ifRoom, p.t.Start.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	}
	lines := fill(facts, between, p.width)
	for _, fact := range ifRoom {
		if last := len(lines) - 1; last >= 0 && screen.Width(lines[last]+between+fact) <= p.width {
			lines[last] += between + fact
		}
	}
	return lines
}

// sizeText writes the value of an attribute, a number of bytes, with a unit.
func sizeText(bytes string) string {
	n, err := strconv.ParseInt(bytes, 10, 64)
	if err != nil {
		return screen.Escape(bytes) // from a file that another program wrote
	}
	return screen.Bytes(n)
}

// fill joins items, with a separator, into lines of at most width columns. An item
// that is wider is cut.
func fill(items []string, separator string, width int) (lines []string) {
	line := ""
	for _, item := range items {
		item = screen.Cut(item, width)
		switch {
		case line == "":
			line = item
		case screen.Width(line+separator+item) <= width:
			line += separator + item
		default:
			lines, line = append(lines, line), item
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
