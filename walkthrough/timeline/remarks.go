package timeline

import (
	"cmp"
	"slices"
	"strings"

	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// maxProblems bounds how many contradictions are shown.
const maxProblems = 6

// remark is a sentence below the bars, with a sign before it.
type remark struct {
	sign, text string
	role       screen.Role // Dim, or Warn for what the reader should look at
}

// remarks returns what did not happen, what else happened to the request, and the
// contradictions in the timeline.
func (p *picture) remarks() []remark {
	return slices.Concat(p.notReached(), p.incidents(), p.problems())
}

// incidents returns what the server recorded of the request beside its stages.
func (p *picture) incidents() (out []remark) {
	say := func(sign string, role screen.Role, en, zh string, args ...any) {
		out = append(out, remark{sign, p.lang.Say(en, zh, args...), role})
	}
	attrs := p.t.Attributes
	if attrs[trace.AttrPanic] != "" {
		say("! ", screen.Warn, "its handler panicked; the server caught it", "handler 发生 panic，服务端把它接住了")
	}
	if attrs[trace.AttrGoAway] != "" {
		say("– ", screen.Dim, "the server had said GOAWAY on this connection before it was over", "请求结束之前，服务端已在这条连接上发出 GOAWAY")
	}
	switch attrs[trace.AttrWorker] {
	case trace.WorkerTook:
		say("– ", screen.Dim, "one of the server's stream workers handled it", "由服务端的一个 stream worker 处理")
	case trace.WorkerSpilled:
		say("– ", screen.Dim, "all stream workers were busy: it got a goroutine of its own", "stream worker 全忙：为它另起了一个 goroutine")
	}
	if page := attrs[trace.AttrDebugURL]; page != "" {
		say("– ", screen.Dim, "as golang.org/x/net/trace saw it: %s", "golang.org/x/net/trace 眼中的它：%s", screen.Escape(page))
	}
	if more := attrs[trace.AttrNotShown]; more != "" {
		say("– ", screen.Dim, "%s more requests that the server made for it are not shown",
			"服务端为它另外发起的 %s 个请求没有画出", screen.Escape(more))
	}
	return out
}

// notReached returns the stages that one would expect and that did not happen: a
// remark for each reason, in the timeline's order.
func (p *picture) notReached() (out []remark) {
	var reasons []string
	byReason := make(map[string][]string)
	for _, n := range p.t.NotReached {
		if !slices.Contains(reasons, n.Why) {
			reasons = append(reasons, n.Why)
		}
		byReason[n.Why] = append(byReason[n.Why], screen.Escape(n.Stage))
	}
	for _, why := range reasons {
		names := strings.Join(byReason[why], p.lang.Pick(", ", "、"))
		out = append(out, remark{"– ", Why(why, p.lang) + p.lang.Pick(": no ", "：没有 ") + names, screen.Dim})
	}
	return out
}

// Why returns in the reader's language why a stage was not reached. The reason is
// one of trace's Why constants; any other is returned escaped.
func Why(reason string, l lang.Lang) string {
	say := l.Pick
	switch reason {
	case trace.WhyReused:
		return say("connection reused", "连接复用")
	case trace.WhyUnknown:
		return say("the server has no such service or method", "服务端没有这个服务或方法")
	case trace.WhyMalformed:
		return say("the method's name is malformed", "方法名格式不对")
	case trace.WhyBeforeTap:
		return say("turned away while its headers were read", "读取请求头时就被拒绝")
	case trace.WhyRefused:
		return say("refused before it was proposed", "提案之前就被拒绝")
	case trace.WhySerializable:
		return say("a serializable read asks nobody", "串行化读不必向谁确认")
	case trace.WhyNoReply:
		return say("no reply was written", "没有写出回复")
	case trace.WhyNotSeen:
		return say("not seen", "没有观察到")
	case trace.WhyServeHTTP:
		return say("net/http has the connection and grpc-go only the request", "连接归 net/http，grpc-go 只拿到请求")
	case trace.WhyHTTP:
		return say("it came as HTTP/1, which grpc-go does not serve", "以 HTTP/1 到达，不经过 grpc-go 的连接")
	case trace.WhyInProcess:
		return say("made inside the server, without a connection", "在服务端内部发起，没有连接")
	case trace.WhyNoRequest:
		return say("the connection never carried a request", "这条连接从未承载过请求")
	}
	return screen.Escape(reason) // of a newer server, perhaps
}

// writeRemark writes a remark. Its further lines begin below its text.
func (p *picture) writeRemark(r remark) {
	for i, l := range screen.Wrap(r.text, p.width-screen.Width(r.sign)) {
		lead := screen.Blank(screen.Width(r.sign))
		if i == 0 {
			lead = r.sign
		}
		p.out.Line(r.role.Paint(lead + l))
	}
}

// problems returns the contradictions that were found when the timeline was read
// from a file.
func (p *picture) problems() (out []remark) {
	for i, problem := range p.t.Problems {
		if i == maxProblems {
			more := p.lang.Say("%d more contradictions", "还有 %d 处矛盾", len(p.t.Problems)-i)
			return append(out, remark{"! ", more, screen.Warn})
		}
		out = append(out, remark{"! ", p.lang.Pick("contradiction: ", "矛盾：") + screen.Escape(problem), screen.Warn})
	}
	return out
}

// signs are the signs that a picture used. The legend explains these and no others.
type signs struct {
	small, thin, near, inferred, ended bool
	short                              string // "×12 shared by 12"
}

// see notes the signs of a row.
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
	for _, l := range fill(items, "   ", p.width) {
		p.out.Line(screen.Dim.Paint(l))
	}
}

// kindTime is how much of the wait was of one kind.
type kindTime struct {
	kind stages.Kind
	ns   int64
}

// timeByKind adds up the wait by its kinds, the largest first. It returns nil for a
// stream, whose handler mostly sleeps, and for a trace of another program, whose
// kinds are not known.
func (p *picture) timeByKind() (all []kindTime) {
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
		if i := slices.IndexFunc(all, func(x kindTime) bool { return x.kind == kind }); i >= 0 {
			all[i].ns += ns
		} else {
			all = append(all, kindTime{kind, ns})
		}
	}
	slices.SortFunc(all, func(a, b kindTime) int { return cmp.Or(cmp.Compare(b.ns, a.ns), cmp.Compare(a.kind, b.kind)) })
	return all
}

// kinds writes timeByKind. It is the legend of the colours and, without colours,
// the shortest summary of the request.
func (p *picture) kinds() {
	const gap = "  "
	line, width := "", 0
	for _, x := range p.timeByKind() {
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
