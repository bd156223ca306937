package verdict

import (
	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// failure judges a request that did not end in an ordinary reply; failed is
// false when it did. The order matters: the cause before its consequences.
func (j judge) failure() (v Verdict, failed bool) {
	if j.hungUp() {
		return Verdict{}, false // the way in which most streams end
	}
	if j.t.Attributes[trace.AttrFailedConn] != "" {
		return j.failedConn(), true
	}
	if v, known := j.notSaved(); known {
		return v, true
	}
	switch j.t.Attributes[trace.AttrOutcome] {
	case trace.OutcomeTimedOut:
		return j.deadline(), true
	case trace.OutcomeSwept:
		return j.ended("It never completed; the sweeper closed it after %s. It was last seen in %s.",
			"它始终没有完成，%s 后由清扫者关闭；最后一次看到它是在 %s。"), true
	case trace.OutcomeStopping:
		return j.ended("The server was being stopped; after %s it was still in %s.",
			"服务端正在停止；%s 时它还停在 %s。"), true
	case trace.OutcomeReset:
		if j.t.Code == "DeadlineExceeded" {
			return j.deadline(), true
		}
		return j.cancelled(), true
	case trace.OutcomeConnClosed:
		return j.ended("The connection ended after %s, before the reply was out; the request was in %s.",
			"%s 后连接断开，回复没能发出；当时请求停在 %s。"), true
	}
	if j.t.Attributes[trace.AttrPanic] != "" {
		return j.panicked(), true
	}
	if status := j.t.Attributes[trace.AttrHTTPStatus]; status != "" {
		return j.answered(status)
	}
	for _, n := range j.t.NotReached {
		if v, known := j.noHandler(n.Why); known {
			return v, true
		}
	}
	switch j.t.Code {
	case "OK", "":
		return Verdict{}, false
	case "Canceled":
		return j.cancelled(), true
	case "DeadlineExceeded":
		return j.deadline(), true
	}
	return j.refused(), true
}

// failedConn tells why a connection never carried a request, and where its time
// went.
func (j judge) failedConn() Verdict {
	l, most, took := j.lang, j.longest(), screen.Duration(j.t.DurationNS)
	why := screen.Cut(screen.Escape(j.t.Message), 120)
	if most == "" {
		return Verdict{Sentence: l.Say("It never carried a request: %s. It was over after %s.", "它从未承载请求：%s。%s 后结束。", why, took)}
	}
	v := Verdict{
		Sentence: l.Say("It never carried a request: %s. It was over after %s, most of it in %s.",
			"它从未承载请求：%[1]s。%[2]s 后结束，大部分时间在 %[3]s。", why, took, most),
		Explain: explainable(most),
	}
	if ns := j.waited[stages.AcceptBackoff.String()]; ns > 0 {
		v.Sentence += l.Say(" Accept had failed before, and was tried again after %s.", "此前 accept 失败过，%s 后才重试成功。", screen.Duration(ns))
	}
	return v
}

// longest names the stage that was waited in for the longest time; empty when
// there is none.
func (j judge) longest() (most string) {
	for name, ns := range j.waited {
		if name != trace.Unexplained && (ns > j.waited[most] || ns == j.waited[most] && name < most) {
			most = name
		}
	}
	return most
}

// notSaved judges a request that was still waiting when the disk refused what it
// had proposed.
func (j judge) notSaved() (v Verdict, known bool) {
	save := j.t.Stage(stages.WALSave.String())
	if save == nil || save.Attributes[trace.AttrFailure] == "" || save.EndNS > j.t.DurationNS {
		return Verdict{}, false
	}
	why := screen.Cut(screen.Escape(save.Attributes[trace.AttrFailure]), 120)
	return j.whetherWritten(Verdict{
		Sentence: j.lang.Say("The disk refused the log after %s: %s. Nobody got an acknowledgement, and the server stops.",
			"%s 后磁盘拒绝写入日志：%s。这一批没有确认给任何客户端，服务端随即停止。", screen.Duration(save.EndNS), why),
		Explain: stages.WALSave.String(),
	}), true
}

// answered judges a request that came as HTTP/1. What the server made of it may
// have failed for a reason that only the part inside knows.
func (j judge) answered(status string) (v Verdict, failed bool) {
	if status < "400" {
		return Verdict{}, false
	}
	said := j.t.Code
	for _, part := range j.t.Parts {
		if part.Message != "" {
			said = part.Code + ": " + part.Message
		}
	}
	return Verdict{
		Sentence: j.lang.Say("Answered with %s after %s.", "%[2]s 后以 %[1]s 答复。",
			screen.Cut(screen.Escape(said), 120), screen.Duration(j.t.DurationNS)),
		Explain: stages.HTTPHandler.String(),
	}, true
}

// panicked tells in which handler it was.
func (j judge) panicked() Verdict {
	name := stages.GRPCHandler.String()
	for i := range j.t.Stages {
		if spec := specOf(j.t.Stages[i].Stage); spec != nil && spec.Parent == stages.Interceptors {
			name = spec.Name
		}
	}
	return Verdict{
		Sentence: j.lang.Say("%s panicked. The request failed after %s; the server lives on.",
			"%s 发生 panic。请求在 %s 后失败，服务端继续运行。", name, screen.Duration(j.t.DurationNS)),
		Explain: name,
	}
}

// hungUp reports whether a stream ended because its client had enough of it.
func (j judge) hungUp() bool {
	outcome := j.t.Attributes[trace.AttrOutcome]
	return j.streaming() && (outcome == trace.OutcomeReset || outcome == "" && j.t.Code == "Canceled")
}

// ended tells when and where a request stopped.
func (j judge) ended(en, zh string) Verdict {
	stood := j.stood()
	where := j.lang.Pick("no stage that was seen", "未观察到的地方")
	if stood != "" {
		where = j.place(stood)
	}
	return Verdict{Sentence: j.lang.Say(en, zh, screen.Duration(j.t.DurationNS), where), Explain: explainable(stood)}
}

func (j judge) deadline() Verdict {
	return j.whetherWritten(j.ended("Its deadline passed after %s, while it was in %s.", "%s 后超过期限，当时停在 %s。"))
}

// cancelled tells where the client's patience ended.
func (j judge) cancelled() Verdict {
	return j.whetherWritten(j.ended("The client went away after %s, while the request was in %s.",
		"%s 后客户端离开，当时请求停在 %s。"))
}

// whetherWritten adds what became of a write whose client did not wait for it:
// once proposed, it is carried out all the same.
func (j judge) whetherWritten(v Verdict) Verdict {
	switch {
	case j.t.Stage(stages.ApplyEntry.String()) != nil:
		v.Sentence += j.lang.Pick(" The write was applied all the same.", "写入仍然照常执行了。")
	case j.t.Stage(stages.RaftWaitReady.String()) != nil:
		v.Sentence += j.lang.Pick(" It had been proposed: the write may still happen.", "提案已经发出，写入仍可能发生。")
	case j.t.Stage(stages.RaftPropose.String()) != nil: // raft may have taken it and not have said so
		v.Sentence += j.lang.Pick(" It was being proposed: the write may happen or not.", "当时正在提案：写入可能发生，也可能不发生。")
	}
	return v
}

// noHandler judges requests that no handler ever saw.
func (j judge) noHandler(why string) (v Verdict, known bool) {
	l, took, method := j.lang, screen.Duration(j.t.DurationNS), screen.Quote(j.t.Method)
	switch why {
	case trace.WhyUnknown:
		return Verdict{l.Say("No handler ran: the server has no method %[1]s. Saying so took %[2]s.",
			"没有任何 handler 运行：服务端没有 %[1]s 这个方法。回绝它用了 %[2]s。", method, took), stages.HandleStream.String()}, true
	case trace.WhyMalformed:
		return Verdict{l.Say("No handler ran: %[1]s is no method name, which looks like /service/method. Saying so took %[2]s.",
			"没有任何 handler 运行：%[1]s 不是合法的方法名，应形如 /service/method。回绝它用了 %[2]s。", method, took), stages.HandleStream.String()}, true
	case trace.WhyBeforeTap:
		return Verdict{l.Say("No handler ran: it was turned away after %s, while its headers were read.",
			"没有任何 handler 运行：%s 后，在读取请求头时就被拒绝了。", took), stages.OperateHeaders.String()}, true
	}
	return Verdict{}, false
}

// refused judges an error reply by how far the request had come.
func (j judge) refused() Verdict {
	l, took := j.lang, screen.Duration(j.t.DurationNS)
	said := screen.Escape(j.t.Message)
	if said == "" {
		said = screen.Escape(j.t.Code)
	}
	said = screen.Cut(said, 120)
	switch {
	case j.t.Stage(stages.ApplyEntry.String()) != nil:
		return Verdict{l.Say("Refused only when it was applied, after %s: %s. It had gone through the log and the disk like any write.",
			"直到 apply 时才被拒绝（%s）：%s。在此之前，它和普通写入一样走完了日志和磁盘。", took, said), stages.ApplyEntry.String()}
	case j.t.Stage(stages.RaftPropose.String()) != nil:
		return Verdict{l.Say("It failed after it was proposed, after %s: %s.", "提案之后失败（%s）：%s。", took, said), stages.RaftPropose.String()}
	case j.t.Stage(stages.RaftRequest.String()) != nil:
		return Verdict{l.Say("Refused after %s, before it was proposed: %s. Neither the log nor the disk saw it.",
			"%s 后、提案之前就被拒绝：%s。日志和磁盘都没有碰到它。", took, said), stages.RaftRequest.String()}
	}
	last := j.last()
	return Verdict{l.Say("Refused after %s: %s.", "%s 后被拒绝：%s。", took, said), explainable(last)}
}
