package verdict

import (
	"glasskv/trace"
	"glasskv/trace/stages"
	"glasskv/walkthrough/screen"
)

// failure judges a request that did not end in an ordinary reply. If it did, failed is
// false. The order of the cases matters: causes come before their consequences.
func (j judge) failure() (v Verdict, failed bool) {
	if j.hungUp() {
		return Verdict{}, false // most streams end so
	}
	if j.t.Attributes[trace.AttrFailedConn] != "" {
		return j.failedConnection(), true
	}
	if v, failed := j.diskRefusal(); failed {
		return v, true
	}
	switch j.t.Attributes[trace.AttrOutcome] {
	case trace.OutcomeTimedOut:
		return j.deadline(), true
	case trace.OutcomeSwept:
		return j.earlyEnd("It never completed; the sweeper closed it after %s. It was last seen in %s.",
			"它始终没有完成，%s 后由清扫者关闭；最后一次看到它是在 %s。"), true
	case trace.OutcomeStopping:
		return j.earlyEnd("The server was being stopped; after %s it was still in %s.",
			"服务端正在停止；%s 时它还停在 %s。"), true
	case trace.OutcomeReset:
		if j.t.Code == "DeadlineExceeded" {
			return j.deadline(), true
		}
		return j.cancellation(), true
	case trace.OutcomeConnClosed:
		return j.earlyEnd("The connection ended after %s, before the reply was out; the request was in %s.",
			"%s 后连接断开，回复没能发出；当时请求停在 %s。"), true
	}
	if j.t.Attributes[trace.AttrPanic] != "" {
		return j.panicVerdict(), true
	}
	if status := j.t.Attributes[trace.AttrHTTPStatus]; status != "" {
		return j.httpError(status)
	}
	for _, n := range j.t.NotReached {
		if v, failed := j.missingHandler(n.Why); failed {
			return v, true
		}
	}
	switch j.t.Code {
	case "OK", "":
		return Verdict{}, false
	case "Canceled":
		return j.cancellation(), true
	case "DeadlineExceeded":
		return j.deadline(), true
	}
	return j.refusal(), true
}

// failedConnection judges a connection that never carried a request: why, and which stage took
// longest.
func (j judge) failedConnection() Verdict {
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

// longest returns the stage in which the request waited longest, or "" if the ledger has
// no stage.
func (j judge) longest() (most string) {
	for name, ns := range j.waited {
		if name != trace.Unexplained && (ns > j.waited[most] || ns == j.waited[most] && name < most) {
			most = name
		}
	}
	return most
}

// diskRefusal judges a request whose entry the disk refused while the request was waiting
// for it. If that did not happen, failed is false.
func (j judge) diskRefusal() (v Verdict, failed bool) {
	save := j.t.Find(stages.WALSave)
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

// httpError judges a request that came as HTTP/1, by its status. If the gRPC request that
// the server made of it has a message, the verdict quotes that instead of the HTTP status.
func (j judge) httpError(status string) (v Verdict, failed bool) {
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

// panicVerdict judges a request whose handler panicked. It names the handler's stage.
func (j judge) panicVerdict() Verdict {
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

// hungUp reports whether a stream ended because its client cancelled it.
func (j judge) hungUp() bool {
	outcome := j.t.Attributes[trace.AttrOutcome]
	return j.t.Streaming() && (outcome == trace.OutcomeReset || outcome == "" && j.t.Code == "Canceled")
}

// earlyEnd judges a request that stopped early. The formats take its duration and the stage
// in which it was.
func (j judge) earlyEnd(en, zh string) Verdict {
	stage := j.lastLong()
	where := j.lang.Pick("no stage that was seen", "未观察到的地方")
	if stage != "" {
		where = j.stageWithSharers(stage)
	}
	return Verdict{Sentence: j.lang.Say(en, zh, screen.Duration(j.t.DurationNS), where), Explain: explainable(stage)}
}

// deadline judges a request whose deadline passed.
func (j judge) deadline() Verdict {
	return j.whetherWritten(j.earlyEnd("Its deadline passed after %s, while it was in %s.", "%s 后超过期限，当时停在 %s。"))
}

// cancellation judges a request that its client gave up.
func (j judge) cancellation() Verdict {
	return j.whetherWritten(j.earlyEnd("The client went away after %s, while the request was in %s.",
		"%s 后客户端离开，当时请求停在 %s。"))
}

// whetherWritten adds to a verdict whether the write happened although its client did not
// get a reply. Once an entry is proposed, it may still be committed and applied.
func (j judge) whetherWritten(v Verdict) Verdict {
	switch {
	case j.t.Find(stages.ApplyEntry) != nil:
		v.Sentence += j.lang.Pick(" The write was applied all the same.", "写入仍然照常执行了。")
	case j.t.Find(stages.RaftWaitReady) != nil:
		v.Sentence += j.lang.Pick(" It had been proposed: the write may still happen.", "提案已经发出，写入仍可能发生。")
	case j.t.Find(stages.RaftPropose) != nil: // raft may have taken it before Propose could return
		v.Sentence += j.lang.Pick(" It was being proposed: the write may happen or not.", "当时正在提案：写入可能发生，也可能不发生。")
	}
	return v
}

// missingHandler judges a request that never reached a handler, by the reason that the
// timeline gives. If it is not one of those reasons, failed is false.
func (j judge) missingHandler(why string) (v Verdict, failed bool) {
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

// refusal judges an error reply: the later the stage that refused the request, the more
// of the path it had passed in vain.
func (j judge) refusal() Verdict {
	l, took := j.lang, screen.Duration(j.t.DurationNS)
	said := screen.Escape(j.t.Message)
	if said == "" {
		said = screen.Escape(j.t.Code)
	}
	said = screen.Cut(said, 120)
	switch {
	case j.t.Find(stages.ApplyEntry) != nil:
		return Verdict{l.Say("Refused only when it was applied, after %s: %s. It had gone through the log and the disk like any write.",
			"直到 apply 时才被拒绝（%s）：%s。在此之前，它和普通写入一样走完了日志和磁盘。", took, said), stages.ApplyEntry.String()}
	case j.t.Find(stages.RaftPropose) != nil:
		return Verdict{l.Say("It failed after it was proposed, after %s: %s.", "提案之后失败（%s）：%s。", took, said), stages.RaftPropose.String()}
	case j.t.Find(stages.RaftRequest) != nil:
		return Verdict{l.Say("Refused after %s, before it was proposed: %s. Neither the log nor the disk saw it.",
			"%s 后、提案之前就被拒绝：%s。日志和磁盘都没有碰到它。", took, said), stages.RaftRequest.String()}
	}
	last := j.last()
	return Verdict{l.Say("Refused after %s: %s.", "%s 后被拒绝：%s。", took, said), explainable(last)}
}
