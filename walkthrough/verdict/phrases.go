package verdict

import (
	"strconv"

	"glasskv/trace"
	"glasskv/walkthrough/lang"
	"glasskv/walkthrough/screen"
)

// phrase says what a stage is in the middle of a sentence. Stages without one
// are called by their names.
type phrase struct{ en, zh string }

var phrases = map[trace.Stage]phrase{
	trace.ClientDial:        {"opening the connection", "建立连接"},
	trace.HandleRawConn:     {"setting up the connection", "建立连接"},
	trace.TLSHandshake:      {"in the TLS handshake", "TLS 握手"},
	trace.NewHTTP2Transport: {"greeting the new connection in HTTP/2", "在新连接上交换 HTTP/2 的 preface 和 SETTINGS"},
	trace.ClientSend:        {"sending the request in the client", "客户端发送请求"},
	trace.NetRequest:        {"on the way to the server", "请求在路上"},
	trace.StartHandler:      {"until a processor ran the handler's goroutine", "等 handler 的 goroutine 获得调度"},
	trace.RecvMsg:           {"waiting for the message's bytes", "等待消息内容到达"},
	trace.RaftPropose:       {"until the raft goroutine took the proposal", "等 raft goroutine 接收提案"},
	trace.RaftHandleReady:   {"while the raft loop was busy with the same Ready", "等 raft 循环处理同一个 Ready"},
	trace.RaftReplicate:     {"replicating to the other members", "复制到其他成员"},
	trace.WALSave:           {"writing the log", "写入日志"},
	trace.RaftCommit:        {"until the entry counted as committed", "等条目被确认提交"},
	trace.ApplyWait:         {"waiting to be applied", "等待 apply"},
	trace.ApplySchedule:     {"until the apply goroutine took the batch", "等 apply goroutine 接手这一批"},
	trace.ApplyQueue:        {"behind other entries of the same batch", "排在同一批的其他条目之后"},
	trace.ApplyEntry:        {"applying the entry", "执行条目"},
	trace.MVCCBegin:         {"waiting for the store's lock", "等待存储的锁"},
	trace.WaitTrigger:       {"until the handler's goroutine was woken", "等 handler 的 goroutine 被唤醒"},
	trace.ReadWait:          {"waiting for a read round to begin", "等待新一轮读确认开始"},
	trace.ReadIndex:         {"confirming the read index", "确认 read index"},
	trace.ReadWaitApplied:   {"until the store had caught up with the read index", "等存储追上 read index"},
	trace.ReadRelease:       {"until the read was let go", "等待读请求被放行"},
	trace.TxnRange:          {"reading the store", "读取存储"},
	trace.AcceptBackoff:     {"until accept was tried again after it had failed", "accept 失败后等待重试"},
	trace.FlowControl:       {"while the client's window was full", "客户端的窗口已满，等它腾出空间"},
	trace.HTTPReadRequest:   {"reading the HTTP request", "读取 HTTP 请求"},
	trace.HTTPHandler:       {"in the HTTP handler", "HTTP handler 在处理"},
	trace.HTTPFlush:         {"writing the HTTP reply", "写出 HTTP 回复"},
	trace.GatewayDecode:     {"turning JSON into a gRPC request", "把 JSON 转成 gRPC 请求"},
	trace.GatewayEncode:     {"turning the reply into JSON", "把回复转成 JSON"},
	trace.WatchWait:         {"with nothing to send", "无事可发"},
	trace.WatchNotify:       {"until the events reached the send loop", "等事件到达发送循环"},
	trace.WatchSend:         {"handing messages to gRPC", "把消息交给 gRPC"},
	trace.Flush:             {"until the reply was written to the connection", "等回复写入连接"},
	trace.NetReply:          {"on the way back to the client", "回复在回程路上"},
	trace.ClientRecv:        {"handing the reply to the caller in the client", "客户端把回复交给调用者"},
}

// stagePhrase says what a stage is, with how many it was shared. In Chinese a
// Latin name keeps its distance from what stands before it.
func (j judge) stagePhrase(name string) string {
	text := j.phrase(name)
	if j.lang == lang.ZH && text != "" && text[0] < 0x80 {
		return " " + text
	}
	return text
}

func (j judge) phrase(name string) string {
	l := j.lang
	spec := specOf(name)
	if spec == nil {
		return l.Say("in %s", "%s", screen.Escape(name))
	}
	switch spec.Stage {
	case trace.WALSync:
		return j.fsyncPhrase()
	case trace.RaftWaitReady:
		return j.readyPhrase()
	}
	if p, ok := phrases[spec.Stage]; ok {
		return l.Pick(p.en, p.zh)
	}
	return l.Say("in %s", "%s", name)
}

func (j judge) fsyncPhrase() string {
	times := 0
	for i := range j.t.Stages {
		if j.t.Stages[i].Stage == trace.WALSync.String() {
			times++
		}
	}
	if times > 1 {
		return j.lang.Say("in %d fdatasyncs, one after the other", "先后 %d 次 fdatasync", times)
	}
	if st := j.t.Stage(trace.WALSync.String()); st != nil && st.SharedBy > 1 {
		return j.lang.Say("in one fdatasync for %d writes", "%d 个写请求共用的一次 fdatasync", st.SharedBy)
	}
	return j.lang.Pick("in one fdatasync", "一次 fdatasync")
}

// readyPhrase says of the wait for a Ready how much of it the batch before took:
// that is where it comes from under load.
func (j judge) readyPhrase() string {
	text := j.lang.Pick("until the entry stood in a Ready", "等条目进入 Ready")
	st := j.t.Stage(trace.RaftWaitReady.String())
	if st == nil {
		return text
	}
	busy, err := strconv.ParseInt(st.Attributes[trace.AttrBusy], 10, 64)
	if err != nil || busy <= 0 { // not known, or of a file that somebody else wrote
		return text
	}
	return text + j.lang.Say(", %s of it for the batch before", "（其中 %s 在等上一批）", screen.Duration(busy))
}

// kindPhrase says what a kind of time is.
func kindPhrase(l lang.Lang, k trace.Kind) string {
	switch k {
	case trace.KindWork:
		return l.Pick("plain computing", "计算")
	case trace.KindQueue:
		return l.Pick("waiting in line", "排队等待")
	case trace.KindDisk:
		return l.Pick("the disk", "磁盘")
	case trace.KindNetwork:
		return l.Pick("the network", "网络")
	case trace.KindConsensus:
		return l.Pick("agreement in raft", " raft 共识")
	}
	return ""
}

// kindInAll says what a kind of time is when all of its stages are added up.
func kindInAll(l lang.Lang, k trace.Kind) string {
	switch k {
	case trace.KindWork:
		return l.Pick("computing in many small steps", "许多小步骤的计算合起来")
	case trace.KindQueue:
		return l.Pick("all the queues together", "各处排队合起来")
	case trace.KindDisk:
		return l.Pick("the disk in all", "磁盘合起来")
	case trace.KindNetwork:
		return l.Pick("the network in all", "网络合起来")
	}
	return l.Pick("agreement in all", "共识合起来")
}

// place names a stage and says with how many it is shared.
func (j judge) place(name string) string {
	st := j.t.Stage(name)
	if st == nil || st.SharedBy <= 1 {
		return screen.Escape(name)
	}
	return j.lang.Say("%s, shared by %d", "%s（%d 个请求共用）", screen.Escape(name), st.SharedBy)
}
