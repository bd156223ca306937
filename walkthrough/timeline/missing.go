package timeline

import (
	"slices"
	"strings"

	"glasskv/trace"
	"glasskv/walkthrough/screen"
)

// mostProblems bounds how many contradictions are named.
const mostProblems = 6

// happened says what else became of the request, a line for each.
func (p *picture) happened() {
	say := func(en, zh string) { p.hanging("– ", p.lang.Pick(en, zh), "", screen.Dim) }
	attrs := p.t.Attributes
	if attrs[trace.AttrPanic] != "" {
		p.hanging("! ", p.lang.Pick("its handler panicked; the server caught it", "handler 发生 panic，服务端把它接住了"), "", screen.Warn)
	}
	if attrs[trace.AttrGoAway] != "" {
		say("the server had said GOAWAY on this connection before it was over", "请求结束之前，服务端已在这条连接上发出 GOAWAY")
	}
	switch attrs[trace.AttrWorker] {
	case trace.WorkerTook:
		say("one of the server's stream workers handled it", "由服务端的一个 stream worker 处理")
	case trace.WorkerSpilled:
		say("all stream workers were busy: it got a goroutine of its own", "stream worker 全忙：为它另起了一个 goroutine")
	}
	if page := attrs[trace.AttrDebugURL]; page != "" {
		p.hanging("– ", p.lang.Say("as golang.org/x/net/trace saw it: %s", "golang.org/x/net/trace 眼中的它：%s", screen.Escape(page)), "", screen.Dim)
	}
	if more := attrs[trace.AttrNotShown]; more != "" {
		p.hanging("– ", p.lang.Say("%s more requests that the server made for it are not shown",
			"服务端为它另外发起的 %s 个请求没有画出", screen.Escape(more)), "", screen.Dim)
	}
}

// notReached says what one would expect and what did not happen, a line for
// each reason.
func (p *picture) notReached() {
	var reasons []string
	stages := make(map[string][]string)
	for _, n := range p.t.NotReached {
		if !slices.Contains(reasons, n.Why) {
			reasons = append(reasons, n.Why)
		}
		stages[n.Why] = append(stages[n.Why], screen.Escape(n.Stage))
	}
	for _, why := range reasons {
		names := strings.Join(stages[why], p.lang.Pick(", ", "、"))
		p.hanging("– ", p.why(why), p.lang.Pick(": no ", "：没有 ")+names, screen.Dim)
	}
}

// hanging writes a sign and a text that is indented below itself.
func (p *picture) hanging(sign, head, text string, role screen.Role) {
	for i, l := range screen.Wrap(head+text, p.width-screen.Width(sign)) {
		lead := screen.Blank(screen.Width(sign))
		if i == 0 {
			lead = sign
		}
		p.out.Line(role.Paint(lead + l))
	}
}

// why says a reason in the reader's language. A reason that we do not know, of
// a newer server perhaps, is shown as it came.
func (p *picture) why(why string) string {
	say := p.lang.Pick
	switch why {
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
	case trace.WhyCancelled:
		return say("the client had gone away", "客户端已经离开")
	case trace.WhyNoProposal:
		return say("a read has nothing to propose", "只读请求无需提案")
	case trace.WhySerializable:
		return say("a serializable read asks nobody", "串行化读不必向谁确认")
	case trace.WhyNoReply:
		return say("no reply was written", "没有写出回复")
	case trace.WhyForeign:
		return say("the client is not our own and not seen", "不是我们自己的客户端，看不到它那一侧")
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
	return screen.Escape(why)
}

// problems names what contradicts itself in a timeline that was read back.
func (p *picture) problems() {
	for i, problem := range p.t.Problems {
		if i == mostProblems {
			p.hanging("! ", "", p.lang.Say("%d more contradictions", "还有 %d 处矛盾", len(p.t.Problems)-i), screen.Warn)
			return
		}
		p.hanging("! ", p.lang.Pick("contradiction: ", "矛盾："), screen.Escape(problem), screen.Warn)
	}
}
