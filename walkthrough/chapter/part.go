package chapter

import (
	"glasskv/trace/stages"
	"glasskv/walkthrough/lang"
)

// Part is a stretch of the path whose chapters stand together in the index.
type Part struct {
	Title    string
	Chapters []*Chapter // in the order of the path
}

// parts says with which stage each part begins, in the order of the path.
var parts = []struct {
	first  stages.Stage
	en, zh string
}{
	{stages.HTTPReadRequest, "In through the gateway", "经网关进来"},
	{stages.ClientDial, "The client and the network", "客户端与网络"},
	{stages.CmuxMatch, "A connection begins", "一条连接的开始"},
	{stages.OperateHeaders, "From a frame to a handler", "从帧到处理函数"},
	{stages.V3Lock, "The handlers", "各个处理函数"},
	{stages.WatchCreate, "Watches, leases and upkeep", "watch、租约与维护"},
	{stages.RaftRequest, "The proposal", "提案"},
	{stages.RaftReplicate, "The other members", "其他成员"},
	{stages.WALSave, "The log, and the commit", "日志与提交"},
	{stages.ApplyWait, "Apply", "应用"},
	{stages.MVCCBegin, "The store", "存储"},
	{stages.ReadWait, "A read that may not be stale", "不能过期的读"},
	{stages.SendMsg, "The reply", "答复"},
	{stages.GatewayEncode, "Out through the gateway", "经网关出去"},
	{stages.Fault, "Waits put in from outside", "从外面加进来的等待"},
}

// Parts divides chapters, which are in the order of the path, into the parts of
// the book. A part without a chapter is left out.
func Parts(chapters []*Chapter, l lang.Lang) []Part {
	var all []Part
	for i, p := range parts {
		end := stages.NumStages
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
