package chapter

import (
	"glasskv/trace"
	"glasskv/walkthrough/lang"
)

// Part is a stretch of the path whose chapters stand together in the index.
type Part struct {
	Title    string
	Chapters []*Chapter // in the order of the path
}

// parts says with which stage each part begins, in the order of the path.
var parts = []struct {
	first  trace.Stage
	en, zh string
}{
	{trace.HTTPReadRequest, "In through the gateway", "经网关进来"},
	{trace.ClientDial, "The client and the network", "客户端与网络"},
	{trace.CmuxMatch, "A connection begins", "一条连接的开始"},
	{trace.OperateHeaders, "From a frame to a handler", "从帧到处理函数"},
	{trace.V3Lock, "The handlers", "各个处理函数"},
	{trace.WatchCreate, "Watches, leases and upkeep", "watch、租约与维护"},
	{trace.RaftRequest, "The proposal", "提案"},
	{trace.RaftReplicate, "The other members", "其他成员"},
	{trace.WALSave, "The log, and the commit", "日志与提交"},
	{trace.ApplyWait, "Apply", "应用"},
	{trace.MVCCBegin, "The store", "存储"},
	{trace.ReadWait, "A read that may not be stale", "不能过期的读"},
	{trace.SendMsg, "The reply", "答复"},
	{trace.GatewayEncode, "Out through the gateway", "经网关出去"},
	{trace.Fault, "Waits put in from outside", "从外面加进来的等待"},
}

// Parts divides chapters, which are in the order of the path, into the parts of
// the book. A part without a chapter is left out.
func Parts(chapters []*Chapter, l lang.Lang) []Part {
	var all []Part
	for i, p := range parts {
		end := trace.NumStages
		if i+1 < len(parts) {
			end = parts[i+1].first
		}
		part := Part{Title: l.Pick(p.en, p.zh)}
		for _, c := range chapters {
			if p.first <= c.Stage && c.Stage < end {
				part.Chapters = append(part.Chapters, c)
			}
		}
		if len(part.Chapters) > 0 {
			all = append(all, part)
		}
	}
	return all
}
